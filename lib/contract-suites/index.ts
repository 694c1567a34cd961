export { formatContract, type FormatUnderTest, type TestFunctions } from './format-contract.js';

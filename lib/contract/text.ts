import { createRequire } from 'node:module';
import { InvalidContractError } from '../errors.js';
import { messageOf } from '../task/error-text.js';
import { fromAsyncApi } from './asyncapi/from-asyncapi.js';
import { toAsyncApi } from './asyncapi/to-asyncapi.js';
import type { Contract } from './model.js';

/** @publicApi */
export type ContractFormat = 'json' | 'yaml';

export const CONTRACT_FORMATS: readonly ContractFormat[] = ['json', 'yaml'];

/** Larger files are no contracts. */
const MOST_LENGTH = 64 * 1024 * 1024;

/** Loaded when it is first needed: most processes only publish and work. */
function yaml(): typeof import('yaml') {
  return createRequire(__filename)('yaml') as typeof import('yaml');
}

/** The contract as an AsyncAPI 3 document. The same contract gives the same text. @publicApi */
export function contractText(contract: Contract, format: ContractFormat = 'json'): string {
  const document = toAsyncApi(contract);
  if (format === 'json') return `${JSON.stringify(document, null, 2)}\n`;
  // Without anchors, which many readers of AsyncAPI do not know.
  return yaml().stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 });
}

/** The contract that {@link contractText} has written, in either format. @throws InvalidContractError @publicApi */
export function readContract(text: string): Contract {
  if (text.length > MOST_LENGTH) throw new InvalidContractError(`A contract has at most ${MOST_LENGTH} characters; found ${text.length}.`, { length: text.length });
  const document = parsed(text);
  try {
    return fromAsyncApi(document);
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidContractError('The contract is nested too deeply to be read.', {}, error);
    throw error;
  }
}

function parsed(text: string): unknown {
  try {
    return text.trimStart().startsWith('{') ? JSON.parse(text) as unknown : yaml().parse(text) as unknown;
  } catch (error) {
    throw new InvalidContractError(`The contract is neither JSON nor YAML: ${messageOf(error)}`, {}, error);
  }
}

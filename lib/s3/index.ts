export { s3Claims, type S3ClaimsOptions } from './s3-claims.js';

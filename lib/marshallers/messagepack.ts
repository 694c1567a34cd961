import { decode, encode } from '@msgpack/msgpack';
import { type Format, marshalled, type MarshalledOptions } from '../index.js';

/** Our bound, 512, and what stands around an argument. */
const MAX_DEPTH = 520;

/**
 * The format `messagepack`, by `@msgpack/msgpack`: for `formats` of the configuration. Dates travel as MessagePack's own
 * timestamps, bytes as `bin`, integers of 64 bits as such.
 *
 * @throws ConfigurationError
 * @publicApi
 */
export function messagePack(options?: MarshalledOptions): Format {
  return marshalled({
    name: 'messagepack', contentType: 'application/vnd.msgpack',
    encode: (value) => encode(value, { useBigInt64: true, maxDepth: MAX_DEPTH, ignoreUndefined: true }),
    // No list can have more members than there are bytes: what claims to is not made room for.
    decode: (bytes) => decode(bytes, { useBigInt64: true, maxArrayLength: bytes.length, maxMapLength: bytes.length, maxStrLength: bytes.length, maxBinLength: bytes.length, maxExtLength: bytes.length }),
  }, options);
}

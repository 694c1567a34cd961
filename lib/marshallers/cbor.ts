import { Encoder } from 'cbor-x';
import { type Format, marshalled, type MarshalledOptions } from '../index.js';
import { checkCbor } from './check-cbor.js';

/**
 * The format `cbor`, by `cbor-x` (RFC 8949): for `formats` of the configuration. Dates travel with tag 1, bytes as such,
 * integers of 64 bits as such.
 *
 * @throws ConfigurationError
 * @publicApi
 */
export function cbor(options?: MarshalledOptions): Format {
  const encoder = new Encoder({ useRecords: false, mapsAsObjects: true, variableMapSize: true, tagUint8Array: false });
  return marshalled({
    name: 'cbor', contentType: 'application/cbor',
    encode: (value) => encoder.encode(value),
    decode: (bytes) => {
      checkCbor(bytes);
      return encoder.decode(bytes) as unknown;
    },
  }, options);
}

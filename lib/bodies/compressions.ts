import * as zlib from 'node:zlib';
import { ConfigurationError, InvalidBodyError, TaskTooLargeError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { messageOf } from '../task/error-text.js';
import { nearestName } from '../task/nearest-name.js';
import type { BuiltInCompression, Compression } from './body-options.js';

/** The default of brotli, 11, takes seconds for a megabyte. */
const BROTLI_QUALITY = 4;
const NAME = /^[a-z][a-z0-9-]{0,31}$/;

type Zip = (body: Uint8Array, options?: { maxOutputLength: number }) => Buffer;

/** Later versions of Node have it. */
const { zstdCompressSync, zstdDecompressSync } = zlib as { zstdCompressSync?: Zip; zstdDecompressSync?: Zip };

const brotli = (body: Uint8Array): Buffer => zlib.brotliCompressSync(body, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } });

const BUILT_IN: readonly (Compression & { readonly name: BuiltInCompression })[] = [
  nodes('gzip', (body) => zlib.gzipSync(body), zlib.gunzipSync),
  nodes('deflate', (body) => zlib.deflateSync(body), zlib.inflateSync),
  nodes('br', brotli, zlib.brotliDecompressSync),
  zstdCompressSync === undefined || zstdDecompressSync === undefined ? missing('zstd', 'Node 22.15 or later has it') : nodes('zstd', zstdCompressSync, zstdDecompressSync),
];

/** The ways of compressing of one dispatcher, by name. */
export class Compressions {
  private readonly known: ReadonlyMap<string, Compression>;

  /** @throws ConfigurationError where two have one name, or one is none */
  constructor(own: readonly Compression[] = []) {
    const known = new Map<string, Compression>(BUILT_IN.map((compression) => [compression.name, compression]));
    own.forEach((compression, index) => {
      checkCompression(compression, `compressions[${index}]`);
      if (known.has(compression.name)) throw new ConfigurationError(`compressions[${index}] is named "${compression.name}", as another is. Give it a name of its own.`, { name: compression.name });
      known.set(compression.name, compression);
    });
    this.known = known;
  }

  find(name: string): Compression | undefined {
    return this.known.get(name);
  }

  /** One that can be written with here. @throws ConfigurationError */
  get(name: string, where: string): Compression {
    const known = this.known.get(name);
    if (known === undefined) {
      const names = [...this.known.keys()];
      const nearest = nearestName(String(name), names);
      throw new ConfigurationError(`${where} is ${display(name)}, which is no way to compress. ${nearest === undefined ? '' : `Did you mean "${nearest}"? `}There are ${names.join(', ')}; those of your own stand in compressions.`, { option: where, known: names });
    }
    if (isMissing(known)) throw new ConfigurationError(`${where} is "${name}", which this version of Node does not have: ${known.instead}. Take "br" or "gzip".`, { option: where });
    return known;
  }

  /** @throws TaskTooLargeError, InvalidBodyError */
  decompress(compression: Compression, body: Uint8Array, maxBytes: number): Buffer {
    const { name } = compression;
    if (isMissing(compression)) throw new InvalidBodyError(`The body is compressed with "${name}", which this version of Node does not have: ${compression.instead}.`, { coding: name });
    let content: Uint8Array;
    try {
      content = compression.decompress(body, maxBytes);
    } catch (error) {
      if (error instanceof TaskTooLargeError) throw error;
      throw new InvalidBodyError(`The body says that it is compressed with "${name}", and cannot be read as such: ${messageOf(error)}.`, { coding: name, bytes: body.length }, error);
    }
    if (!(content instanceof Uint8Array)) throw new InvalidBodyError(`The compression "${name}" gave ${display(content)} where it must give bytes.`, { coding: name });
    if (content.length > maxBytes) throw tooLarge(name, maxBytes);
    return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  }
}

interface MissingCompression extends Compression {
  readonly instead: string;
}

function isMissing(compression: Compression): compression is MissingCompression {
  return 'instead' in compression;
}

function missing(name: BuiltInCompression, instead: string): MissingCompression & { readonly name: BuiltInCompression } {
  const refuse = (): never => { throw new ConfigurationError(`"${name}" is not there: ${instead}.`); };
  return { name, instead, compress: refuse, decompress: refuse };
}

function nodes(name: BuiltInCompression, compress: Zip, decompress: Zip): Compression & { readonly name: BuiltInCompression } {
  return {
    name, compress: (body) => compress(body),
    decompress: (body, maxBytes) => {
      try {
        return decompress(body, { maxOutputLength: maxBytes });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(name, maxBytes);
        throw error;
      }
    },
  };
}

function tooLarge(coding: string, maxTaskBytes: number): TaskTooLargeError {
  return new TaskTooLargeError(`The body, which is compressed with "${coding}", has more than ${maxTaskBytes} bytes; no more are taken (maxTaskBytes).`, { coding, maxTaskBytes });
}

/** @throws ConfigurationError */
function checkCompression(compression: unknown, where: string): void {
  const { name, compress, decompress } = (typeof compression === 'object' && compression !== null ? compression : {}) as Partial<Compression>;
  if (typeof name === 'string' && NAME.test(name) && typeof compress === 'function' && typeof decompress === 'function') return;
  throw new ConfigurationError(`${where} must be a Compression: an object with name (small letters, digits and -), compress and decompress; found ${display(compression)}.`, { option: where });
}

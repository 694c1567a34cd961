import type { RedisArgument } from '@redis/client';

/** MessagePack: a list with up to 2^32 - 1 entries, and a string of bytes of up to as many. */
const LIST = 0xdd;
const BYTES = 0xdb;
const MARK_BYTES = 5;

/**
 * Many texts and bytes as one argument, which a script reads with `cmsgpack.unpack`: a request with thousands of small
 * arguments costs both sides more than what it asks for.
 */
export function pack(items: readonly RedisArgument[]): Buffer {
  let size = MARK_BYTES;
  for (const item of items) size += MARK_BYTES + (typeof item === 'string' ? Buffer.byteLength(item) : item.length);
  const packed = Buffer.allocUnsafe(size);
  let at = mark(packed, 0, LIST, items.length);
  for (const item of items) {
    if (typeof item === 'string') {
      const length = packed.write(item, at + MARK_BYTES);
      at = mark(packed, at, BYTES, length) + length;
    } else {
      at = mark(packed, at, BYTES, item.length);
      at += item.copy(packed, at);
    }
  }
  return packed;
}

function mark(packed: Buffer, at: number, kind: number, length: number): number {
  packed[at] = kind;
  return packed.writeUInt32BE(length, at + 1);
}

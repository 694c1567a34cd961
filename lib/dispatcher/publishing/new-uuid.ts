import { randomFillSync } from 'node:crypto';

const BYTES = 16;
/** The system is asked for so many at once. */
const AT_ONCE = 256;
const HYPHEN = 0x2d;
const DIGITS = Buffer.from('0123456789abcdef');
/** Where the two digits of each byte stand in the text. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;

const random = new Uint8Array(BYTES * AT_ONCE);
let used = random.length;
const text = Buffer.alloc(36, HYPHEN);

/**
 * A UUID v4, from the system's source of randomness. Node's own, which the package `uuid` gives, is put together of 20
 * pieces, each an object: a seventh of all that publishing a task allocates. This one is a single text.
 */
export function newUuid(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  for (let index = 0; index < BYTES; index++) write(PLACES[index] as number, versioned(index, random[used + index] as number));
  used += BYTES;
  return text.toString('latin1');
}

/** With the bits that say which kind of uuid it is. */
function versioned(index: number, byte: number): number {
  if (index === 6) return (byte & 0x0f) | 0x40;
  return index === 8 ? (byte & 0x3f) | 0x80 : byte;
}

function write(place: number, byte: number): void {
  text[place] = DIGITS[byte >>> 4] as number;
  text[place + 1] = DIGITS[byte & 0x0f] as number;
}

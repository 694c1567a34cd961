const SLOTS = 256;

interface Entry {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/**
 * Short strings that come again and again, as names of queues and consumers do: one string for the same bytes,
 * found without making another. Bounded: what comes later takes the place of what was there.
 */
export class Interned {
  private readonly entries = new Array<Entry | undefined>(SLOTS).fill(undefined);

  /** The string of a length byte and so many bytes of UTF-8. */
  read(source: Buffer, at: number): string {
    const length = source[at] ?? 0;
    const start = at + 1;
    let hash = length;
    for (let i = start; i < start + length; i++) hash = (hash * 31 + source[i]!) | 0;
    const slot = (hash ^ (hash >>> 8)) & (SLOTS - 1);
    const known = this.entries[slot];
    if (known !== undefined && isSame(known.bytes, source, start, length)) return known.text;
    const text = source.toString('utf8', start, start + length);
    this.entries[slot] = { bytes: Uint8Array.prototype.slice.call(source, start, start + length), text };
    return text;
  }
}

function isSame(bytes: Uint8Array, source: Buffer, start: number, length: number): boolean {
  if (bytes.length !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[i] !== source[start + i]) return false;
  return true;
}

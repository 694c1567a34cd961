/** Our bound, 512, and what stands around an argument. */
const MAX_DEPTH = 520;
/** Initial bytes: what follows has no length of its own, and ends with a break. */
const INDEFINITE = 31;
const BREAK = 0xff;
/** Dates. Others may stand for more than they say: references to what came before, tables of what is to come. */
const TAGS: readonly number[] = [0, 1];

/**
 * Whether these bytes are one whole CBOR item (RFC 8949), of bounded depth, without tags but those of dates, in which nothing
 * claims to be longer than what is there: a reader makes room for as much as it is told.
 *
 * @throws Error
 */
export function checkCbor(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** How many items are still to come at each depth; -1: until a break. */
  const open: number[] = [1];
  let at = 0;
  while (open.length > 0) {
    const left = open.at(-1) as number;
    if (left === 0) {
      open.pop();
      continue;
    }
    if (at >= bytes.length) throw new Error('it ends too early');
    if (left === -1 && bytes[at] === BREAK) {
      open.pop();
      at++;
      continue;
    }
    if (left > 0) open[open.length - 1] = left - 1;
    const { next, items } = itemAt(view, at);
    at = next;
    if (items !== 0) open.push(items);
    if (open.length > MAX_DEPTH) throw new Error('it is nested too deeply');
  }
  if (at !== bytes.length) throw new Error('something follows it');
}

/** Where what follows begins, and how many items belong to this one. */
function itemAt(view: DataView, at: number): { readonly next: number; readonly items: number } {
  const initial = view.getUint8(at);
  const [major, info] = [initial >> 5, initial & 31];
  const isOpen = info === INDEFINITE;
  if (info > 27 && !(isOpen && major >= 2 && major <= 5)) throw new Error(`the byte 0x${initial.toString(16)} begins nothing`);
  const { value, next } = isOpen ? { value: 0, next: at + 1 } : argumentAt(view, at + 1, info);
  const rest = view.byteLength - next;
  switch (major) {
    case 2: case 3:
      if (value > rest) throw new Error(`a text or bytes claim to have ${value} bytes, and ${rest} are there`);
      return { next: next + value, items: isOpen ? -1 : 0 };
    case 4: case 5: {
      const items = major === 5 ? value * 2 : value;
      if (items > rest) throw new Error(`a list or map claims to have ${value} members, and ${rest} bytes are there`);
      return { next, items: isOpen ? -1 : items };
    }
    case 6:
      if (!TAGS.includes(value)) throw new Error(`the tag ${value} is not read here`);
      return { next, items: 1 };
    default: return { next, items: 0 };
  }
}

function argumentAt(view: DataView, at: number, info: number): { readonly value: number; readonly next: number } {
  if (info < 24) return { value: info, next: at };
  const bytes = 2 ** (info - 24);
  if (at + bytes > view.byteLength) throw new Error('it ends too early');
  const value = bytes === 1 ? view.getUint8(at) : bytes === 2 ? view.getUint16(at) : bytes === 4 ? view.getUint32(at) : Number(view.getBigUint64(at));
  return { value, next: at + bytes };
}

/** One name with its value in a table: where its bytes begin, where those of the value do, and where they end. */
export interface TableEntry {
  readonly name: string;
  readonly start: number;
  readonly valueAt: number;
  readonly end: number;
}

/** Deeper ones are not looked into: a reader that calls itself for each level must not run out of stack. */
const DEEPEST = 256;
const UTF8 = 'utf8';

/** Bytes for each value whose size is always the same, by the letter of its type. */
const FIXED_BYTES: Readonly<Record<string, number>> = { t: 1, b: 1, B: 1, s: 2, u: 2, I: 4, i: 4, f: 4, D: 5, l: 8, L: 8, d: 8, T: 8, V: 0 };

/**
 * The entries of the field table at `at` (its length first), in their order; a name may come twice. `undefined` where the
 * bytes are no table: nothing that arrives may throw here.
 */
export function readEntries(bytes: Buffer, at: number, limit: number): TableEntry[] | undefined {
  const end = endOfTable(bytes, at, limit);
  if (end === undefined) return undefined;
  const entries: TableEntry[] = [];
  for (let start = at + 4; start < end;) {
    const valueAt = start + 1 + (bytes[start] ?? 0);
    const next = valueAt < end ? endOfValue(bytes, valueAt, end) : undefined;
    if (next === undefined) return undefined;
    entries.push({ name: bytes.toString(UTF8, start + 1, valueAt), start, valueAt, end: next });
    start = next;
  }
  return entries;
}

/** Where the table ends that begins at `at`; `undefined` beyond the limit. */
export function endOfTable(bytes: Buffer, at: number, limit: number): number | undefined {
  if (at + 4 > limit) return undefined;
  const end = at + 4 + bytes.readUInt32BE(at);
  return end > limit ? undefined : end;
}

/**
 * A table as JavaScript has it, which is less than it says: integers are rounded beyond 2^53, text that is not UTF-8 has
 * replacement characters, one type of number is like another. Of equal names the last one counts. A name may be any, also
 * `__proto__`.
 */
export function tableView(bytes: Buffer, entries: readonly TableEntry[], depth = 0): Record<string, unknown> {
  const view: Record<string, unknown> = {};
  for (const { name, valueAt, end } of entries) {
    const value = valueView(bytes, valueAt, end, depth);
    if (name === '__proto__') Object.defineProperty(view, name, { value, enumerable: true, configurable: true, writable: true });
    else view[name] = value;
  }
  return view;
}

/** One value as JavaScript has it; `at` is at the letter of its type. */
export function valueView(bytes: Buffer, at: number, end: number, depth = 0): unknown {
  const start = at + 1;
  switch (typeAt(bytes, at)) {
    case 't': return bytes[start] !== 0;
    case 'b': return bytes.readInt8(start);
    case 'B': return bytes[start];
    case 's': return bytes.readInt16BE(start);
    case 'u': return bytes.readUInt16BE(start);
    case 'I': return bytes.readInt32BE(start);
    case 'i': return bytes.readUInt32BE(start);
    case 'l': case 'L': return Number(bytes.readBigInt64BE(start));
    case 'f': return bytes.readFloatBE(start);
    case 'd': return bytes.readDoubleBE(start);
    case 'D': return { '!': 'decimal', value: { places: bytes[start], digits: bytes.readUInt32BE(start + 1) } };
    case 'T': return { '!': 'timestamp', value: Number(bytes.readBigUInt64BE(start)) };
    case 'S': return bytes.toString(UTF8, start + 4, end);
    case 'x': return bytes.subarray(start + 4, end);
    case 'F': return depth < DEEPEST ? tableView(bytes, readEntries(bytes, start, end) ?? [], depth + 1) : null;
    case 'A': return depth < DEEPEST ? listView(bytes, start + 4, end, depth + 1) : null;
    default: return null;
  }
}

function listView(bytes: Buffer, start: number, end: number, depth: number): unknown[] {
  const list: unknown[] = [];
  for (let at = start; at < end;) {
    const next = endOfValue(bytes, at, end);
    if (next === undefined) break;
    list.push(valueView(bytes, at, next, depth));
    at = next;
  }
  return list;
}

function typeAt(bytes: Buffer, at: number): string {
  return String.fromCharCode(bytes[at] ?? 0);
}

/** What is inside of a list or table is not looked at: its length says where it ends. */
function endOfValue(bytes: Buffer, at: number, limit: number): number | undefined {
  const type = typeAt(bytes, at);
  const fixed = FIXED_BYTES[type];
  const end = fixed !== undefined ? at + 1 + fixed : 'SxFA'.includes(type) ? endOfTable(bytes, at + 1, limit) : undefined;
  return end === undefined || end > limit ? undefined : end;
}

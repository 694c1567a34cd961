const VERSION = 1;
/** The version, and the length of the header. */
const START_BYTES = 5;

/** Bytes that are no message of the ledger. Reported and dropped: whoever sent them is not one of us. */
export class MalformedMessageError extends Error {}

/** A header in JSON, and values as they are behind it: what every message of the ledger looks like. */
export function pack(header: object, values: readonly Buffer[] = []): Buffer {
  const text = Buffer.from(JSON.stringify({ ...header, bytes: values.map((value) => value.length) }));
  const start = Buffer.allocUnsafe(START_BYTES);
  start[0] = VERSION;
  start.writeUInt32BE(text.length, 1);
  return Buffer.concat([start, text, ...values]);
}

/** @throws MalformedMessageError */
export function unpack(body: Buffer): Fields {
  if (body.length < START_BYTES || body[0] !== VERSION) throw new MalformedMessageError(`${body.length} bytes that do not begin with version ${VERSION}`);
  const end = START_BYTES + body.readUInt32BE(1);
  if (end > body.length) throw new MalformedMessageError(`a header that ends at ${end} of ${body.length} bytes`);
  const header = parse(body.toString('utf8', START_BYTES, end));
  return new Fields(header, split(body.subarray(end), header.bytes));
}

/** The fields of a message, each checked as it is read. */
export class Fields {
  constructor(private readonly header: Readonly<Record<string, unknown>>, private readonly values: readonly Buffer[]) {}

  text(name: string): string {
    const found = this.header[name];
    if (typeof found === 'string') return found;
    throw new MalformedMessageError(`"${name}" is not a text`);
  }

  texts(name: string): string[] {
    const found = this.header[name];
    if (Array.isArray(found) && found.every((one) => typeof one === 'string')) return found;
    throw new MalformedMessageError(`"${name}" is not a list of texts`);
  }

  count(name: string): number {
    const found = this.header[name];
    if (Number.isSafeInteger(found) && (found as number) >= 0) return found as number;
    throw new MalformedMessageError(`"${name}" is not a number from 0 on`);
  }

  /** Absent: never. */
  time(name: string): number | undefined {
    return this.header[name] === undefined ? undefined : this.count(name);
  }

  flag(name: string): boolean {
    const found = this.header[name];
    if (typeof found === 'boolean') return found;
    throw new MalformedMessageError(`"${name}" is not true or false`);
  }

  value(index: number): Buffer {
    const found = this.values[index];
    if (found !== undefined) return found;
    throw new MalformedMessageError(`value ${index} is missing`);
  }

  get allValues(): readonly Buffer[] {
    return this.values;
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(text);
    if (typeof header === 'object' && header !== null && !Array.isArray(header)) return header as Record<string, unknown>;
  } catch {
    // As any other header that is none.
  }
  throw new MalformedMessageError('a header that is not a JSON object');
}

function split(rest: Buffer, lengths: unknown): Buffer[] {
  if (!Array.isArray(lengths) || !lengths.every((length) => Number.isSafeInteger(length) && length >= 0)) throw new MalformedMessageError('a header without the lengths of its values');
  const values: Buffer[] = [];
  let position = 0;
  for (const length of lengths as number[]) {
    values.push(rest.subarray(position, position + length));
    position += length;
  }
  if (position !== rest.length) throw new MalformedMessageError(`values of ${position} bytes in ${rest.length}`);
  return values;
}

import { endOfTable, readEntries, type TableEntry, tableView } from './table-reader.js';

/** The properties of a message by the bit that says whether each is there, in the order in which they are written. */
export const PROPERTIES = [
  { name: 'contentType', bit: 1 << 15, type: 'text' },
  { name: 'contentEncoding', bit: 1 << 14, type: 'text' },
  { name: 'headers', bit: 1 << 13, type: 'table' },
  { name: 'deliveryMode', bit: 1 << 12, type: 'byte' },
  { name: 'priority', bit: 1 << 11, type: 'byte' },
  { name: 'correlationId', bit: 1 << 10, type: 'text' },
  { name: 'replyTo', bit: 1 << 9, type: 'text' },
  { name: 'expiration', bit: 1 << 8, type: 'text' },
  { name: 'messageId', bit: 1 << 7, type: 'text' },
  { name: 'timestamp', bit: 1 << 6, type: 'time' },
  { name: 'type', bit: 1 << 5, type: 'text' },
  { name: 'userId', bit: 1 << 4, type: 'text' },
  { name: 'appId', bit: 1 << 3, type: 'text' },
  { name: 'clusterId', bit: 1 << 2, type: 'text' },
] as const;

export type Property = (typeof PROPERTIES)[number];

/** Where one of them lies. */
interface Part {
  readonly start: number;
  readonly end: number;
}

/**
 * The properties of one message as they came, to be written again byte for byte: what JavaScript has of them is less than
 * they say. A view into what was read from the socket, like the body.
 */
export class ReceivedProperties {
  private constructor(
    readonly bytes: Buffer,
    private readonly parts: ReadonlyMap<Property, Part>,
    /** Of the headers, where there are some. */
    readonly entries: readonly TableEntry[] | undefined,
  ) {}

  /** @param bytes flags and fields of a header frame. `undefined` where they are none that we know. */
  static read(bytes: Buffer): ReceivedProperties | undefined {
    if (bytes.length < 2) return undefined;
    const flags = bytes.readUInt16BE(0);
    // The lowest bits: one would mean more flags, of which AMQP 0-9-1 has none.
    if ((flags & 3) !== 0) return undefined;
    const parts = new Map<Property, Part>();
    let entries: TableEntry[] | undefined;
    let at = 2;
    for (const property of PROPERTIES) {
      if ((flags & property.bit) === 0) continue;
      const end = endOfProperty(bytes, at, property);
      if (end === undefined) return undefined;
      if (property.name === 'headers') {
        entries = readEntries(bytes, at, end);
        if (entries === undefined) return undefined;
      }
      parts.set(property, { start: at, end });
      at = end;
    }
    return at === bytes.length ? new ReceivedProperties(bytes, parts, entries) : undefined;
  }

  part(property: Property): Part | undefined {
    return this.parts.get(property);
  }

  /** One property as JavaScript has it. */
  view(property: Property): unknown {
    const part = this.parts.get(property);
    if (part === undefined) return undefined;
    const { bytes } = this;
    switch (property.type) {
      case 'text': return bytes.toString('utf8', part.start + 1, part.end);
      case 'byte': return bytes[part.start];
      case 'time': return Number(bytes.readBigUInt64BE(part.start));
      case 'table': return tableView(bytes, this.entries ?? []);
    }
  }

  /** All of them, as amqplib gives them to consumers. */
  viewAll(): Record<string, unknown> {
    const view: Record<string, unknown> = {};
    for (const property of PROPERTIES) view[property.name] = this.view(property);
    return view;
  }
}

function endOfProperty(bytes: Buffer, at: number, { type }: Property): number | undefined {
  if (type === 'table') return endOfTable(bytes, at, bytes.length);
  const end = type === 'text' ? at + 1 + (bytes[at] ?? 0) : at + (type === 'byte' ? 1 : 8);
  return end > bytes.length || at >= bytes.length ? undefined : end;
}

/**
 * What is kept of the tasks of one key that stand in line: who is first, who is last, and the one link between two that is
 * not written into the former yet. Each task has an entry of its own, with its message and the name of the next.
 */
export interface OrderLine {
  /** The one whose turn it is: only its message is with the broker. */
  readonly head: string;
  /** The broker has it. */
  readonly isSent: boolean;
  readonly tail: string;
  /** To be written before anything else changes: `to` stands behind `from`. */
  readonly link?: { readonly from: string; readonly to: string };
  /** The head has failed for good, and nobody goes on. */
  readonly haltedAt?: number;
}

export function encodeOrderLine(line: OrderLine): Buffer {
  return Buffer.from(JSON.stringify(line));
}

/** `undefined` for somebody else's bytes. */
export function decodeOrderLine(bytes: Buffer): OrderLine | undefined {
  try {
    const { head, isSent, tail, link, haltedAt } = JSON.parse(bytes.toString()) as OrderLine;
    if (typeof head !== 'string' || typeof tail !== 'string' || typeof isSent !== 'boolean') return undefined;
    const hasLink = typeof link?.from === 'string' && typeof link.to === 'string';
    return { head, isSent, tail, ...(hasLink ? { link } : {}), ...(typeof haltedAt === 'number' ? { haltedAt } : {}) };
  } catch {
    return undefined;
  }
}

/** With these behind all others, or as a line of their own. */
export function lineWith(line: OrderLine | undefined, first: string, last: string): OrderLine {
  if (line === undefined) return { head: first, isSent: false, tail: last };
  return { ...line, tail: last, link: { from: line.tail, to: first } };
}

/** Once its head has left; `undefined`: nobody is left. @param next who stands behind it */
export function lineAfter(line: OrderLine, next: string | undefined): OrderLine | undefined {
  return line.head === line.tail || next === undefined ? undefined : { head: next, isSent: false, tail: line.tail };
}

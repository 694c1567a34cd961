import { isDeepStrictEqual } from 'node:util';
import type { ByteWriter } from '../../../amqp/byte-writer.js';
import { PROPERTIES, type Property, type ReceivedProperties } from '../../../amqp/received-properties.js';
import { valueView } from '../../../amqp/table-reader.js';
import { writeEntry } from '../../../amqp/table-writer.js';
import type { TaskHeaders } from '../../../task/task.js';
import type { Outgoing } from './outgoing.js';

const LARGEST_TIME = 2 ** 64;

/**
 * Writes flags and properties of a message. Of one that has arrived, whatever is still the same is written as it came,
 * byte for byte: JavaScript does not know all that it was.
 *
 * @throws TypeError, RangeError for what AMQP cannot say
 */
export function writeProperties(to: ByteWriter, outgoing: Outgoing): void {
  const { received } = outgoing;
  let flags = 0;
  for (const property of PROPERTIES) if (isThere(outgoing, property)) flags |= property.bit;
  to.uint16(flags);
  for (const property of PROPERTIES) {
    if ((flags & property.bit) === 0) continue;
    if (property.name === 'headers') writeHeaders(to, outgoing.headers, received);
    else if (!copiedAsItCame(to, outgoing, property, received)) writeProperty(to, property, outgoing[property.name]);
  }
}

/** The cluster's id means nothing to anybody; nobody here changes it. */
function isThere(outgoing: Outgoing, property: Property): boolean {
  if (property.name === 'clusterId') return outgoing.received?.part(property) !== undefined;
  return outgoing[property.name] !== undefined;
}

function copiedAsItCame(to: ByteWriter, outgoing: Outgoing, property: Property, received: ReceivedProperties | undefined): boolean {
  const part = received?.part(property);
  if (received === undefined || part === undefined) return false;
  if (property.name !== 'clusterId' && received.view(property) !== outgoing[property.name]) return false;
  to.copy(received.bytes, part.start, part.end);
  return true;
}

function writeProperty(to: ByteWriter, { name, type }: Property, value: unknown): void {
  if (type === 'text') {
    if (typeof value !== 'string') throw new TypeError(`${name} must be a string`);
    return to.shortString(value, name);
  }
  const limit = type === 'byte' ? 256 : LARGEST_TIME;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value >= limit) {
    throw new RangeError(`${name} must be a whole number from 0 to ${type === 'byte' ? '255' : '2^64-1'}`);
  }
  if (type === 'byte') to.byte(value);
  else to.uint64(value);
}

function writeHeaders(to: ByteWriter, headers: TaskHeaders, received: ReceivedProperties | undefined): void {
  const start = to.startSized();
  const asTheyCame = received?.entries === undefined ? undefined : copyUnchanged(to, headers, received);
  for (const name of Object.keys(headers)) {
    if (asTheyCame?.has(name) === true || headers[name] === undefined) continue;
    try {
      writeEntry(to, name, headers[name]);
    } catch (error) {
      throw new TypeError(`header "${name.slice(0, 40)}": ${(error as Error).message}`, { cause: error });
    }
  }
  to.endSized(start);
}

/** In their old order; of equal names all, as far as the last one, which is the one that was seen, is unchanged. */
function copyUnchanged(to: ByteWriter, headers: TaskHeaders, { bytes, entries = [] }: ReceivedProperties): ReadonlySet<string> {
  const lasts = new Map(entries.map((entry) => [entry.name, entry]));
  const unchanged = new Set<string>();
  for (const [name, { valueAt, end }] of lasts) {
    if (Object.hasOwn(headers, name) && isDeepStrictEqual(valueView(bytes, valueAt, end), headers[name])) unchanged.add(name);
  }
  for (const { name, start, end } of entries) if (unchanged.has(name)) to.copy(bytes, start, end);
  return unchanged;
}

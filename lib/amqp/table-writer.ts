import type { ByteWriter } from './byte-writer.js';

/** As deep as JSON arguments may be. */
const DEEPEST = 512;

/**
 * Writes a value into a field table, its type's letter first. Numbers take the smallest integer type that holds them, or a
 * double, as amqplib's do; an object of exactly `{ '!': 'timestamp' | 'decimal', value }` is what {@link valueView} made of
 * these, and any other object a table.
 *
 * @throws TypeError, RangeError for what no table can say
 */
export function writeValue(to: ByteWriter, value: unknown, depth = 0): void {
  switch (typeof value) {
    case 'string':
      to.byte(0x53); // S
      return to.longString(value);
    case 'boolean':
      to.byte(0x74); // t
      return to.byte(value ? 1 : 0);
    case 'number': return writeNumber(to, value);
    case 'object': return writeObject(to, value, depth);
    default: throw new TypeError(`a ${typeof value} cannot travel in a header`);
  }
}

/** @throws as {@link writeValue}, and RangeError for a name beyond 255 bytes */
export function writeEntry(to: ByteWriter, name: string, value: unknown, depth = 0): void {
  to.shortString(name, `the header name "${name.slice(0, 40)}"`);
  writeValue(to, value, depth);
}

function writeNumber(to: ByteWriter, value: number): void {
  // RabbitMQ ends the connection at numbers that are none.
  if (!Number.isFinite(value)) throw new TypeError(`${value} cannot travel in a header`);
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 63) {
    to.byte(0x64); // d
    return to.double(value);
  }
  if (value >= -0x80 && value < 0x80) {
    to.byte(0x62); // b
    to.byte(value & 0xff);
  } else if (value >= -0x8000 && value < 0x8000) {
    to.byte(0x73); // s
    to.uint16(value & 0xffff);
  } else if (value >= -0x8000_0000 && value < 0x8000_0000) {
    to.byte(0x49); // I
    to.uint32(value >>> 0);
  } else {
    to.byte(0x6c); // l
    to.int64(value);
  }
}

function writeObject(to: ByteWriter, value: object | null, depth: number): void {
  if (value === null) return to.byte(0x56); // V
  if (depth >= DEEPEST) throw new RangeError(`it is nested more than ${DEEPEST} levels deep`);
  if (value instanceof Uint8Array) {
    to.byte(0x78); // x
    to.uint32(value.length);
    return to.copy(value, 0, value.length);
  }
  if (Array.isArray(value)) {
    to.byte(0x41); // A
    const start = to.startSized();
    for (const item of value) writeValue(to, item, depth + 1);
    return to.endSized(start);
  }
  if (writeTyped(to, value)) return;
  to.byte(0x46); // F
  const start = to.startSized();
  for (const [name, item] of Object.entries(value)) if (item !== undefined) writeEntry(to, name, item, depth + 1);
  to.endSized(start);
}

function writeTyped(to: ByteWriter, typed: { '!'?: unknown; value?: unknown }): boolean {
  const type = Object.hasOwn(typed, '!') && Object.keys(typed).length === 2 ? typed['!'] : undefined;
  if (type === 'timestamp' && typeof typed.value === 'number' && Number.isInteger(typed.value) && typed.value >= 0 && typed.value < 2 ** 64) {
    to.byte(0x54); // T
    to.uint64(typed.value);
    return true;
  }
  const { places, digits } = (type === 'decimal' ? typed.value ?? {} : {}) as { places?: unknown; digits?: unknown };
  if (!isUnsigned(places, 0xff) || !isUnsigned(digits, 0xffff_ffff)) return false;
  to.byte(0x44); // D
  to.byte(places);
  to.uint32(digits);
  return true;
}

function isUnsigned(value: unknown, largest: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= largest;
}

import { createHash } from 'node:crypto';
import type { Member } from '../../state-backend.js';

/**
 * Keys and records of the tables, big endian, so that the store's byte order is the order of the
 * numbers. A change here needs a new {@link FORMAT}.
 *
 *     values    key                          -> f64 expiresAt, value
 *     sets      key                          -> f64 expiresAt, f64 set number, u32 count
 *     members   f64 set number, u32 position -> u16 length of the name, name, value
 *     names     f64 set number, sha-256      -> u32 position
 *     expiring  f64 expiresAt, 'v' | 's', key -> nothing
 *     garbage   f64 set number               -> nothing
 *     changes   f64 number                   -> key
 */
export const FORMAT = 1;

export interface StoredValue { readonly expiresAt: number; readonly value: Buffer }
export interface StoredSet { readonly expiresAt: number; readonly set: number; readonly count: number }
export type ExpiringKind = 'v' | 's';

/** Positive numbers in IEEE 754 sort like their bytes, Infinity last. */
export function numberKey(value: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  key.writeDoubleBE(value, 0);
  return key;
}

export const textKey = (text: string): Buffer => Buffer.from(text);

export function valueRecord(expiresAt: number, value: Buffer): Buffer {
  return Buffer.concat([numberKey(expiresAt), value]);
}

export function readValue(record: Buffer): StoredValue {
  return { expiresAt: record.readDoubleBE(0), value: record.subarray(8) };
}

export function setRecord({ expiresAt, set, count }: StoredSet): Buffer {
  const record = Buffer.allocUnsafe(20);
  record.writeDoubleBE(expiresAt, 0);
  record.writeDoubleBE(set, 8);
  record.writeUInt32BE(count, 16);
  return record;
}

export function readSet(record: Buffer): StoredSet {
  return { expiresAt: record.readDoubleBE(0), set: record.readDoubleBE(8), count: record.readUInt32BE(16) };
}

export function memberKey(set: number, position: number): Buffer {
  const key = Buffer.allocUnsafe(12);
  key.writeDoubleBE(set, 0);
  key.writeUInt32BE(position, 8);
  return key;
}

export const positionOf = (key: Buffer): number => key.readUInt32BE(8);

export function memberRecord(member: string, value: Buffer): Buffer {
  const name = Buffer.from(member);
  const length = Buffer.allocUnsafe(2);
  length.writeUInt16BE(name.length, 0);
  return Buffer.concat([length, name, value]);
}

export function readMember(record: Buffer): Member {
  const end = 2 + record.readUInt16BE(0);
  return { member: record.toString('utf8', 2, end), value: record.subarray(end) };
}

export function nameKey(set: number, member: string): Buffer {
  return Buffer.concat([numberKey(set), createHash('sha256').update(member).digest()]);
}

export function expiringKey(expiresAt: number, kind: ExpiringKind, key: string): Buffer {
  return Buffer.concat([numberKey(expiresAt), Buffer.from(kind + key)]);
}

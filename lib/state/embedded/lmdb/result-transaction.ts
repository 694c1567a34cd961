import type { Claim, MemberCount } from '../../state-backend.js';
import {
  expiringKey, memberKey, memberRecord, nameKey, numberKey, readSet, readValue, setRecord, textKey, valueRecord, type StoredSet,
} from './records.js';
import type { ResultTables } from './result-tables.js';

const EMPTY = Buffer.alloc(0);
const LAST_SET = textKey('last-set');
export const LAST_CHANGE = textKey('last-change');
/** A process that has missed more changes than this reads all that it watches. */
export const MOST_CHANGES = 10_000;
const MEMBERS_REMOVED_AT_ONCE = 1000;
const EXPIRED_AT_ONCE = 500;

export function numberIn(tables: ResultTables, key: Buffer): number {
  return tables.meta.getBinary(key)?.readDoubleBE(0) ?? 0;
}

/** What is done to the tables inside a write transaction; nobody else writes meanwhile, in any process. */
export class ResultTransaction {
  constructor(private readonly tables: ResultTables, private readonly now: number) {}

  value(key: string): Buffer | undefined {
    const record = this.tables.values.getBinary(textKey(key));
    if (record === undefined) return undefined;
    const { expiresAt, value } = readValue(record);
    return expiresAt > this.now ? value : undefined;
  }

  set(key: string, value: Buffer, expiresInMs: number | undefined): void {
    this.removeValue(key);
    const expiresAt = this.expiryTime(expiresInMs);
    void this.tables.values.put(textKey(key), valueRecord(expiresAt, value));
    if (expiresAt < Infinity) void this.tables.expiring.put(expiringKey(expiresAt, 'v', key), EMPTY);
    this.logChange(key);
  }

  setIfAbsent(key: string, value: Buffer, expiresInMs: number | undefined): Claim {
    const present = this.value(key);
    if (present !== undefined) return { taken: false, value: present };
    this.set(key, value, expiresInMs);
    return { taken: true };
  }

  replaceIfEqual(key: string, expected: Buffer, value: Buffer, expiresInMs: number | undefined): boolean {
    if (this.value(key)?.equals(expected) !== true) return false;
    this.set(key, value, expiresInMs);
    return true;
  }

  deleteIfEqual(key: string, value: Buffer): boolean {
    if (this.value(key)?.equals(value) !== true) return false;
    this.removeValue(key);
    return true;
  }

  delete(key: string): void {
    this.removeValue(key);
    this.removeSet(key);
  }

  addMember(key: string, member: string, value: Buffer, expiresInMs: number | undefined): MemberCount {
    const found = this.liveSet(key);
    const { set, count } = found ?? this.newSet(key);
    const name = nameKey(set, member);
    const added = this.tables.names.getBinary(name) === undefined;
    if (added) {
      void this.tables.names.put(name, EMPTY);
      void this.tables.members.put(memberKey(set, count), memberRecord(member, value));
    }
    const expiresAt = Math.max(found?.expiresAt ?? 0, this.expiryTime(expiresInMs));
    const after = { set, expiresAt, count: added ? count + 1 : count };
    this.putSet(key, found, after);
    return { count: after.count, added };
  }

  /** Removes some of what has expired or was deleted. True: there is more. */
  sweep(): boolean {
    const { tables } = this;
    const expired = [...tables.expiring.getKeys({ end: numberKey(this.now), limit: EXPIRED_AT_ONCE })];
    for (const entry of expired) this.removeExpired(entry);
    for (const garbage of tables.garbage.getKeys({ limit: 1 })) return this.removeMembers(garbage) || expired.length > 0;
    return expired.length === EXPIRED_AT_ONCE;
  }

  private removeExpired(entry: Buffer): void {
    const kind = entry.toString('latin1', 8, 9);
    const key = entry.toString('utf8', 9);
    if (kind === 'v') this.removeValue(key);
    else this.removeSet(key);
    // In step with the record in every healthy store; otherwise it would come up for ever.
    void this.tables.expiring.remove(entry);
  }

  private removeMembers(garbage: Buffer): boolean {
    const set = garbage.readDoubleBE(0);
    const range = { start: memberKey(set, 0), end: memberKey(set, 0xffffffff), limit: MEMBERS_REMOVED_AT_ONCE };
    const members = [...this.tables.members.getKeys(range)];
    const names = [...this.tables.names.getKeys({ start: numberKey(set), end: Buffer.concat([numberKey(set), Buffer.alloc(33, 0xff)]), limit: MEMBERS_REMOVED_AT_ONCE })];
    for (const key of members) void this.tables.members.remove(key);
    for (const key of names) void this.tables.names.remove(key);
    const more = members.length === MEMBERS_REMOVED_AT_ONCE || names.length === MEMBERS_REMOVED_AT_ONCE;
    if (!more) void this.tables.garbage.remove(garbage);
    return true;
  }

  private removeValue(key: string): void {
    const record = this.tables.values.getBinary(textKey(key));
    if (record === undefined) return;
    void this.tables.values.remove(textKey(key));
    void this.tables.expiring.remove(expiringKey(readValue(record).expiresAt, 'v', key));
  }

  private removeSet(key: string): void {
    const record = this.tables.sets.getBinary(textKey(key));
    if (record === undefined) return;
    const { set, expiresAt } = readSet(record);
    void this.tables.sets.remove(textKey(key));
    void this.tables.expiring.remove(expiringKey(expiresAt, 's', key));
    void this.tables.garbage.put(numberKey(set), EMPTY);
  }

  private liveSet(key: string): StoredSet | undefined {
    const record = this.tables.sets.getBinary(textKey(key));
    const found = record === undefined ? undefined : readSet(record);
    return found !== undefined && found.expiresAt > this.now ? found : undefined;
  }

  private newSet(key: string): StoredSet {
    this.removeSet(key);
    const set = numberIn(this.tables, LAST_SET) + 1;
    void this.tables.meta.put(LAST_SET, numberKey(set));
    return { set, count: 0, expiresAt: 0 };
  }

  private putSet(key: string, before: StoredSet | undefined, after: StoredSet): void {
    if (before?.expiresAt !== after.expiresAt) {
      if (before !== undefined) void this.tables.expiring.remove(expiringKey(before.expiresAt, 's', key));
      if (after.expiresAt < Infinity) void this.tables.expiring.put(expiringKey(after.expiresAt, 's', key), EMPTY);
    }
    void this.tables.sets.put(textKey(key), setRecord(after));
  }

  private logChange(key: string): void {
    const { meta, changes } = this.tables;
    const number = numberIn(this.tables, LAST_CHANGE) + 1;
    void meta.put(LAST_CHANGE, numberKey(number));
    void changes.put(numberKey(number), textKey(key));
    if (number > MOST_CHANGES) void changes.remove(numberKey(number - MOST_CHANGES));
  }

  /** The clock shows whole milliseconds, cut off: without the one on top, it could be one early. */
  private expiryTime(expiresInMs: number | undefined): number {
    return expiresInMs === undefined ? Infinity : this.now + expiresInMs + 1;
  }
}

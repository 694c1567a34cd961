import { MEMBERS_PAGE_BYTES, MEMBERS_PAGE_COUNT } from '../state-backend.js';
import { ExpiryBuckets } from '../expiry-buckets.js';
import type { StateOperation } from './ledger-operation.js';
import type { DeletedContent, MemberContent, ProlongedContent, RecordContent, ValueContent } from './ledger-record.js';
import type { Reply } from './ledger-reply.js';
import { LedgerSet } from './ledger-set.js';
import { type LogRecord, newRecord } from './log-record.js';

export interface LedgerLimits { readonly maxBytes: number; readonly maxEntries: number }

/** When and as what an operation is applied. */
export interface Moment {
  /** The keeper's time, in milliseconds since 1970. */
  readonly now: number;
  /** Of the operation; no other has it. */
  readonly id: string;
}

export interface Decision {
  readonly reply: Reply;
  /** What is to be written before anybody may be told; it is in the state already. */
  readonly record?: LogRecord;
  /** What that outdates. */
  readonly superseded?: readonly LogRecord[];
}

type Of<K extends StateOperation['kind']> = StateOperation & { kind: K };

/** What an entry costs the keeper beside its bytes, roughly. */
const OVERHEAD_BYTES = 400;
/** So many bytes of values in one answer: RabbitMQ 4 carries 16 MiB at most. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

const YES: Reply = { kind: 'answer', yes: true };
const NO: Reply = { kind: 'answer', yes: false };

/**
 * All entries of the ledger, and what becomes of them. Pure: no clock, no I/O. What an operation
 * changes is a record; putting the same records into another state, in their order, gives the same
 * entries, which is how the next keeper gets them.
 */
export class LedgerState {
  private readonly values = new Map<string, LogRecord<ValueContent>>();
  private readonly sets = new Map<string, LedgerSet>();
  private readonly expiring = new ExpiryBuckets<LogRecord<ValueContent> | LedgerSet>();
  /** Of all entries, what they cost beside their bytes included. */
  bytes = 0;
  /** Values and members. */
  entries = 0;

  constructor(private readonly limits: LedgerLimits) {}

  apply(operation: StateOperation, at: Moment): Decision {
    switch (operation.kind) {
      case 'get': return { reply: this.get(operation.keys, at.now) };
      case 'set': return this.write(operation, at);
      case 'setIfAbsent': return this.setIfAbsent(operation, at);
      case 'replaceIfEqual': return this.holds(operation.key, operation.expected, at.now) ? this.write(operation, at) : { reply: NO };
      case 'deleteIfEqual': return this.holds(operation.key, operation.value, at.now) ? this.remove(operation.key, 'value', at) : { reply: NO };
      case 'delete': return this.delete(operation.key, at);
      case 'addMember': return this.addMember(operation, at);
      case 'members': return { reply: this.members(operation, at.now) };
    }
  }

  /** What to answer when a record says that the operation was done: by a keeper that died before it could say so. */
  replyToRepeated(operation: StateOperation): Reply {
    if (operation.kind !== 'addMember') return YES;
    return { kind: 'count', count: this.sets.get(operation.key)?.size ?? 0, added: true };
  }

  /** Takes a record in, whatever it says. Returns what it outdates. */
  put(record: LogRecord): LogRecord[] {
    const { content } = record;
    switch (content.kind) {
      case 'value': return this.putValue(record as LogRecord<ValueContent>);
      case 'member': return this.putMember(record as LogRecord<MemberContent>);
      case 'prolonged': return this.putProlonged(record as LogRecord<ProlongedContent>);
      case 'deleted': return this.putDeleted(content);
      case 'checkpoint': return [];
    }
  }

  /** Takes out what has expired for a while, and returns its records. */
  takeExpired(now: number): LogRecord[] {
    const records: LogRecord[] = [];
    for (const expired of this.expiring.takeExpired(now)) {
      if (expired instanceof LedgerSet) records.push(...this.forgetSet(expired));
      else records.push(this.forgetValue(expired));
    }
    return records;
  }

  private get(keys: readonly string[], now: number): Reply {
    const values: (Buffer | undefined)[] = [];
    let bytes = 0;
    for (const key of keys) {
      const value = this.value(key, now);
      bytes += value?.length ?? 0;
      if (values.length > 0 && bytes > MAX_ANSWER_BYTES) break;
      values.push(value);
    }
    return { kind: 'values', values };
  }

  private setIfAbsent(operation: Of<'setIfAbsent'>, at: Moment): Decision {
    const value = this.value(operation.key, at.now);
    return value === undefined ? this.write(operation, at) : { reply: { kind: 'answer', yes: false, value } };
  }

  private write({ key, value, expiresInMs }: Of<'set' | 'setIfAbsent' | 'replaceIfEqual'>, at: Moment): Decision {
    const before = this.values.get(key);
    const content: ValueContent = { kind: 'value', key, value: Buffer.from(value), expiresAt: expiryTime(at.now, expiresInMs), operation: at.id };
    return this.refusal(costOf(content) - (before === undefined ? 0 : costOf(before.content)), before === undefined) ?? this.record(content, at, YES);
  }

  private delete(key: string, at: Moment): Decision {
    return this.values.has(key) || this.sets.has(key) ? this.remove(key, 'all', at) : { reply: YES };
  }

  private remove(key: string, scope: DeletedContent['scope'], at: Moment): Decision {
    return this.record({ kind: 'deleted', key, scope, operation: at.id }, at, YES);
  }

  private addMember({ key, member, value, expiresInMs }: Of<'addMember'>, at: Moment): Decision {
    const set = this.liveSet(key, at.now);
    const expiresAt = expiryTime(at.now, expiresInMs);
    if (set?.has(member) === true) return this.prolong(set, expiresAt, at);
    const content: MemberContent = {
      kind: 'member', key, set: set?.id ?? at.id, member, index: set?.nextIndex ?? 0, value: Buffer.from(value), expiresAt, operation: at.id,
    };
    return this.refusal(costOf(content), true) ?? this.record(content, at, { kind: 'count', count: (set?.size ?? 0) + 1, added: true });
  }

  private prolong(set: LedgerSet, expiresAt: number | undefined, at: Moment): Decision {
    const reply: Reply = { kind: 'count', count: set.size, added: false };
    if ((expiresAt ?? Infinity) <= set.expiresAt) return { reply };
    return this.record({ kind: 'prolonged', key: set.key, set: set.id, expiresAt, operation: at.id }, at, reply);
  }

  private members({ key, position }: Of<'members'>, now: number): Reply {
    const { members, next } = this.liveSet(key, now)?.page(position, MEMBERS_PAGE_COUNT, MEMBERS_PAGE_BYTES) ?? { members: [], next: undefined };
    return { kind: 'members', members, next };
  }

  private record(content: RecordContent, { now }: Moment, reply: Reply): Decision {
    const record = newRecord(content, now);
    return { reply, record, superseded: this.put(record) };
  }

  /** Removing and shrinking is always possible. */
  private refusal(bytes: number, isNew: boolean): Decision | undefined {
    const { maxBytes, maxEntries } = this.limits;
    const tooMany = isNew && this.entries >= maxEntries;
    if (!tooMany && (bytes <= 0 || this.bytes + bytes <= maxBytes)) return undefined;
    return { reply: { kind: 'refused', reason: 'full', text: `${this.entries} entries with ${this.bytes} bytes are in it already, of up to ${maxEntries} with ${maxBytes}` } };
  }

  private value(key: string, now: number): Buffer | undefined {
    const content = this.values.get(key)?.content;
    return content !== undefined && (content.expiresAt ?? Infinity) > now ? content.value : undefined;
  }

  private holds(key: string, expected: Buffer, now: number): boolean {
    return this.value(key, now)?.equals(expected) === true;
  }

  private liveSet(key: string, now: number): LedgerSet | undefined {
    const set = this.sets.get(key);
    return set !== undefined && set.expiresAt > now ? set : undefined;
  }

  private putValue(record: LogRecord<ValueContent>): LogRecord[] {
    const { key, expiresAt } = record.content;
    const before = this.values.get(key);
    if (before !== undefined) this.forgetValue(before);
    this.values.set(key, record);
    this.charge(record.content, 1);
    if (expiresAt !== undefined) this.expiring.add(record, expiresAt);
    return before === undefined ? [] : [before];
  }

  private putMember(record: LogRecord<MemberContent>): LogRecord[] {
    const { set, superseded } = this.setOf(record.content);
    const before = set.put(record);
    if (before !== undefined) this.charge(before.content, -1);
    this.charge(record.content, 1);
    this.prolongUntil(set, record.content.expiresAt);
    return before === undefined ? superseded : [...superseded, before];
  }

  private putProlonged(record: LogRecord<ProlongedContent>): LogRecord[] {
    const { set, superseded } = this.setOf(record.content);
    const before = set.prolonged;
    set.prolonged = record;
    this.prolongUntil(set, record.content.expiresAt);
    return before === undefined ? superseded : [...superseded, before];
  }

  private putDeleted({ key, scope }: DeletedContent): LogRecord[] {
    const value = this.values.get(key);
    const set = scope === 'all' ? this.sets.get(key) : undefined;
    return [...(value === undefined ? [] : [this.forgetValue(value)]), ...(set === undefined ? [] : this.forgetSet(set))];
  }

  /** The set that the record speaks of: one of the same key and another name was its predecessor. */
  private setOf({ key, set: id }: MemberContent | ProlongedContent): { set: LedgerSet; superseded: LogRecord[] } {
    const present = this.sets.get(key);
    if (present?.id === id) return { set: present, superseded: [] };
    const superseded = present === undefined ? [] : this.forgetSet(present);
    const set = new LedgerSet(key, id);
    this.sets.set(key, set);
    return { set, superseded };
  }

  private prolongUntil(set: LedgerSet, expiresAt = Infinity): void {
    if (expiresAt <= set.expiresAt) return;
    if (set.expiresAt > 0) this.expiring.remove(set, set.expiresAt);
    set.expiresAt = expiresAt;
    if (expiresAt < Infinity) this.expiring.add(set, expiresAt);
  }

  private forgetValue(record: LogRecord<ValueContent>): LogRecord {
    const { key, expiresAt } = record.content;
    this.values.delete(key);
    this.charge(record.content, -1);
    if (expiresAt !== undefined) this.expiring.remove(record, expiresAt);
    return record;
  }

  private forgetSet(set: LedgerSet): LogRecord[] {
    this.sets.delete(set.key);
    if (set.expiresAt < Infinity) this.expiring.remove(set, set.expiresAt);
    const members = set.members();
    for (const { content } of members) this.charge(content, -1);
    return set.prolonged === undefined ? members : [...members, set.prolonged];
  }

  private charge(content: ValueContent | MemberContent, times: 1 | -1): void {
    this.bytes += times * costOf(content);
    this.entries += times;
  }
}

function costOf(content: ValueContent | MemberContent): number {
  return content.key.length + content.value.length + (content.kind === 'member' ? content.member.length : 0) + OVERHEAD_BYTES;
}

/** Upwards: never early. */
function expiryTime(now: number, expiresInMs: number | undefined): number | undefined {
  return expiresInMs === undefined ? undefined : Math.ceil(now + expiresInMs);
}

import type { Member } from '../state-backend.js';
import type { MemberContent, ProlongedContent } from './ledger-record.js';
import type { LogRecord } from './log-record.js';

/** The members of one key during one life of the set, in the order of their arrival. */
export class LedgerSet {
  /** As a whole: the latest that a record of it says. 0: no record was put yet. */
  expiresAt = 0;
  /** The record that prolonged it last. */
  prolonged: LogRecord<ProlongedContent> | undefined;
  private readonly byName = new Map<string, LogRecord<MemberContent>>();
  /** Indexes may be missing: of additions that were never confirmed. */
  private readonly byIndex = new Map<number, LogRecord<MemberContent>>();
  nextIndex = 0;

  constructor(readonly key: string, readonly id: string) {}

  get size(): number {
    return this.byName.size;
  }

  has(member: string): boolean {
    return this.byName.has(member);
  }

  members(): LogRecord<MemberContent>[] {
    return [...this.byName.values()];
  }

  /** Returns the record that it takes the place of. */
  put(record: LogRecord<MemberContent>): LogRecord<MemberContent> | undefined {
    const { member, index } = record.content;
    const before = this.byName.get(member);
    if (before !== undefined) this.byIndex.delete(before.content.index);
    this.byName.set(member, record);
    this.byIndex.set(index, record);
    this.nextIndex = Math.max(this.nextIndex, index + 1);
    return before;
  }

  /** From that index on; ends once it holds so many members, or so many bytes of values. */
  page(position: number, maxCount: number, maxBytes: number): { members: Member[]; next?: number } {
    const members: Member[] = [];
    let bytes = 0;
    for (let index = position; index < this.nextIndex; index++) {
      if (members.length >= maxCount || bytes >= maxBytes) return { members, next: index };
      const content = this.byIndex.get(index)?.content;
      if (content === undefined) continue;
      members.push({ member: content.member, value: content.value });
      bytes += content.value.length;
    }
    return { members };
  }
}

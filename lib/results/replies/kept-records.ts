import type { TaskResult } from '../task-result.js';

/** A record, and about how much memory it takes. */
export interface KeptRecord {
  result: TaskResult;
  bytes: number;
  /** When it last changed, in milliseconds. */
  at: number;
}

export interface KeptLimits {
  readonly count: number;
  readonly bytes: number;
  readonly ageMs: number;
}

/** Records in the order of their last change; beyond any of its limits the oldest go. */
export class KeptRecords {
  private readonly records = new Map<string, KeptRecord>();
  private bytes = 0;

  constructor(private readonly limits: KeptLimits) {}

  get size(): number { return this.records.size; }

  get(uuid: string): KeptRecord | undefined {
    return this.records.get(uuid);
  }

  /** @returns those that had to go for it */
  put(uuid: string, record: KeptRecord): KeptRecord[] {
    this.take(uuid);
    this.records.set(uuid, record);
    this.bytes += record.bytes;
    return this.shrink((_, { count, bytes }) => this.records.size > count || this.bytes > bytes);
  }

  take(uuid: string): KeptRecord | undefined {
    const record = this.records.get(uuid);
    if (record === undefined) return undefined;
    this.records.delete(uuid);
    this.bytes -= record.bytes;
    return record;
  }

  /** Those that are too old go. */
  expire(now: number): void {
    this.shrink(({ at }, { ageMs }) => now - at >= ageMs);
  }

  private shrink(goes: (oldest: KeptRecord, limits: KeptLimits) => boolean): KeptRecord[] {
    const gone: KeptRecord[] = [];
    for (const [uuid, record] of this.records) {
      if (!goes(record, this.limits)) break;
      this.take(uuid);
      gone.push(record);
    }
    return gone;
  }
}

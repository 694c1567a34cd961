import { StepError } from '../../errors.js';
import type { StateBackend } from '../../state/state-backend.js';
import { clock } from '../../time/clock.js';
import { expiryOf } from './record-changes.js';
import { decodeRecord, encodeRecord, type StepsRecord } from './steps-record.js';

/** Each conflict means that somebody else went on. */
const MOST_CONFLICTS = 50;
/** As much as every store keeps, so that what works on one works on all. */
const MOST_BYTES = 1024 * 1024;
/** Left for who waits, and for what. */
const SPARE_BYTES = 8 * 1024;

export function stepsKey(uuid: string): string {
  return `steps:${uuid}`;
}

/** How large the record of a task may be. */
export function roomIn({ capabilities }: Pick<StateBackend, 'capabilities'>): number {
  return Math.min(MOST_BYTES, capabilities.maxValueBytes) - SPARE_BYTES;
}

/** @returns what is to be there; `undefined`, or what it was given: nothing is written */
export type RecordChange = (record: StepsRecord | undefined) => StepsRecord | undefined;

/**
 * Changes the record of a task, atomically among all processes: it is written only where it is still what was read.
 * Whoever repeats a change, after an answer that was lost, must see from the record that it was made.
 */
export class KeptRecord {
  private bytes: Buffer | undefined;
  private found: StepsRecord | undefined;
  private isRead = false;

  /** @param keepMs how long it is kept from its last change on */
  constructor(private readonly key: string, private readonly keepMs: number) {}

  /** @throws StepError for what is no record */
  async read(backend: StateBackend): Promise<StepsRecord | undefined> {
    const bytes = await backend.get(this.key);
    this.bytes = bytes;
    this.found = bytes && decodeRecord(bytes);
    this.isRead = true;
    return this.found;
  }

  /**
   * @returns what is there now
   * @throws StepError where others change it again and again; what the backend throws: then it may be written, and this can be repeated
   */
  async change(backend: StateBackend, change: RecordChange): Promise<StepsRecord | undefined> {
    if (!this.isRead) await this.read(backend);
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const next = change(this.found);
      if (next === undefined || next === this.found) return this.found;
      if (await this.write(backend, next)) return next;
      await this.read(backend);
    }
    throw new StepError(`The steps of a task were changed by others ${MOST_CONFLICTS} times while they were written.`, { key: this.key });
  }

  private async write(backend: StateBackend, next: StepsRecord): Promise<boolean> {
    const { bytes: before } = this;
    const bytes = encodeRecord(next);
    const expiry = { expiresInMs: expiryOf(next, clock.now(), this.keepMs) };
    // Until it is known how that went, nothing is known.
    this.isRead = false;
    const isDone = before === undefined ? (await backend.setIfAbsent(this.key, bytes, expiry)).taken : await backend.replaceIfEqual(this.key, before, bytes, expiry);
    if (!isDone) return false;
    this.isRead = true;
    this.bytes = bytes;
    this.found = next;
    return true;
  }
}

import { DispatcherError } from '../../../errors.js';
import { bytesOf, type EndedEntry } from '../../../inspection/book/kept-ends.js';
import type { EndedState, EndedTaskInfo } from '../../../inspection/model.js';
import { encodeValue } from '../../../results/result-value.js';
import type { StateBackend } from '../../../state/state-backend.js';
import { clock, type ClockTimer } from '../../../time/clock.js';
import { within } from '../../../time/within.js';
import { hourKey, hourOf } from './history-keys.js';

const PAUSE_MS = 1_000;
const PAUSE_AFTER_FAILURE_MS = 5_000;
/** What waits for the store: more is dropped, and counted. */
export const MOST_WAITING = 5_000;
export const MOST_BYTES_WAITING = 16 * 1024 * 1024;
const MOST_OF_BATCH = 200;
const MOST_BYTES_OF_BATCH = 256 * 1024;
const LAST_WRITE_MS = 2_000;

export interface HistoryWriterDependencies {
  readonly backend: () => Promise<StateBackend>;
  readonly exchange: string;
  /** Of this process: nobody else's batches have its name. */
  readonly process: string;
  readonly keepMs: number;
  readonly states: ReadonlySet<EndedState>;
  /** As others may see it. */
  readonly told: (entry: EndedEntry) => EndedTaskInfo;
  readonly problem: (message: string, error?: unknown) => void;
}

interface Batch { readonly key: string; readonly member: string; readonly bytes: Buffer; readonly count: number }

/**
 * Writes ended tasks into the store, many at a time, and never keeps one waiting for it: what ends is put aside, and
 * dropped where the store is away for too long. A batch that may have been written is written again under its name.
 */
export class HistoryWriter {
  private waiting: EndedEntry[] = [];
  private waitingBytes = 0;
  private batch: Batch | undefined;
  private number = 0;
  private dropped = 0;
  private isFailing = false;
  private timer: ClockTimer | undefined;
  private writing: Promise<void> | undefined;
  private closed = false;

  constructor(private readonly dependencies: HistoryWriterDependencies) {}

  /** Never throws, and waits for nothing. */
  add(entry: EndedEntry): void {
    if (!this.dependencies.states.has(entry.state)) return;
    if (this.waiting.length >= MOST_WAITING || this.waitingBytes >= MOST_BYTES_WAITING) {
      this.dropped++;
    } else {
      // A copy: what is kept elsewhere loses its arguments in time.
      this.waiting.push({ ...entry });
      this.waitingBytes += bytesOf(entry);
    }
    this.plan(PAUSE_MS);
  }

  /** What waits is written, if the store takes it in time. Never rejects. */
  async stop(): Promise<void> {
    this.closed = true;
    clock.clear(this.timer);
    await within(LAST_WRITE_MS, this.writeLast());
  }

  private async writeLast(): Promise<void> {
    await this.writing;
    if (!this.isFailing) await this.writeAll();
  }

  private plan(pauseMs: number): void {
    if (this.closed || this.timer !== undefined || this.writing !== undefined) return;
    this.timer = clock.setTimeout(() => {
      this.timer = undefined;
      this.writing = this.writeAll().finally(() => {
        this.writing = undefined;
        if (this.batch !== undefined || this.waiting.length > 0) this.plan(this.isFailing ? PAUSE_AFTER_FAILURE_MS : PAUSE_MS);
      });
    }, pauseMs).unref();
  }

  private async writeAll(): Promise<void> {
    const { backend, keepMs, problem } = this.dependencies;
    try {
      for (this.batch ??= this.next(); this.batch !== undefined; this.batch = this.next()) {
        const { key, member, bytes } = this.batch;
        await (await backend()).addMember(key, member, bytes, { expiresInMs: keepMs });
      }
      if (this.dropped > 0) problem(`The history of ended tasks lacks ${this.dropped}: the store did not take them in time.`);
      this.dropped = 0;
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) problem('The history of ended tasks cannot be written. Tasks are not concerned; it is tried again.', error);
      this.isFailing = true;
      if (error instanceof DispatcherError && error.retryable) return;
      // Trying it again would keep all later ones waiting.
      this.dropped += this.batch?.count ?? 0;
      this.batch = undefined;
    }
  }

  /** Those that ended in the same hour, as many as one write takes. */
  private next(): Batch | undefined {
    const { exchange, process, told } = this.dependencies;
    const [first] = this.waiting;
    if (first === undefined) return undefined;
    const hour = hourOf(first.endedAt);
    const texts: string[] = [];
    let bytes = 0;
    let taken = 0;
    for (const entry of this.waiting) {
      if (taken >= MOST_OF_BATCH || bytes >= MOST_BYTES_OF_BATCH || hourOf(entry.endedAt) !== hour) break;
      taken++;
      const encoded = encodeValue(told(entry));
      if ('problem' in encoded) continue;
      bytes += encoded.text.length;
      texts.push(encoded.text);
    }
    for (const entry of this.waiting.slice(0, taken)) this.waitingBytes -= bytesOf(entry);
    this.waiting = this.waiting.slice(taken);
    return { key: hourKey(exchange, hour), member: `${process}.${this.number++}`, bytes: Buffer.from(texts.join('\n')), count: texts.length };
  }
}

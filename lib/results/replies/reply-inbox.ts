import { clock, type ClockTimer } from '../../time/clock.js';
import type { ResultReader } from '../result-reader.js';
import type { StopWatching } from '../../state/state-backend.js';
import { decodeTaskResult } from '../result-codec.js';
import { advance, isFinal, newTaskResult, type TaskOutcome, type TaskResult, type TimelineEntry } from '../task-result.js';
import { KeptRecords, type KeptRecord } from './kept-records.js';
import { UnheardTasks, type TellWorker } from './unheard-tasks.js';

export interface ReplyInboxOptions {
  /** How long what nobody asks for is kept after its last change, in milliseconds. */
  expiresInMs: number;
  /** Something went wrong that nobody waits for. */
  warn(message: string): void;
  /** Tells a worker whether anybody here listens to the progress of a task. Waits for nothing. */
  tell: TellWorker;
}

/** Tasks that nobody waits for at the moment: published and not ended, or ended and not asked for. */
const MOST_UNASKED = { count: 100_000, bytes: 64 * 1024 * 1024 };
/** Results that were told already, for whoever asks again. */
const MOST_TOLD = { count: 1_000, bytes: 8 * 1024 * 1024 };
const MOST_WITHDRAWN = 100_000;
/** About what an entry of a timeline takes. */
const ENTRY_BYTES = 256;
const SWEEP_MS = 30_000;

interface Watched extends KeptRecord {
  readonly watchers: Set<(result: TaskResult) => void>;
  /** How many of them want to know what happens on the way. */
  listeners: number;
}

/**
 * What this process has been told of the tasks that it asked for. Whoever waits for a task holds its record;
 * what nobody waits for is kept within bounds of number, bytes and time.
 */
export class ReplyInbox implements ResultReader {
  private readonly watched = new Map<string, Watched>();
  private readonly unasked: KeptRecords;
  private readonly told: KeptRecords;
  private readonly withdrawn = new Set<string>();
  private readonly unheard: UnheardTasks;
  private sweeping: ClockTimer | undefined;
  private lost = 0;

  constructor(private readonly options: ReplyInboxOptions, private readonly now: () => number) {
    this.unasked = new KeptRecords({ ...MOST_UNASKED, ageMs: options.expiresInMs });
    this.told = new KeptRecords({ ...MOST_TOLD, ageMs: options.expiresInMs });
    this.unheard = new UnheardTasks(options.tell, now);
  }

  /** How many records are held, for whatever reason. */
  get size(): number { return this.watched.size + this.unasked.size + this.told.size; }

  /** This process asks for the result of this task. */
  expect(uuid: string, name: string): void {
    if (!this.knows(uuid)) this.put(uuid, { result: newTaskResult(uuid, name), bytes: ENTRY_BYTES, at: this.now() });
  }

  knows(uuid: string): boolean {
    return this.find(uuid) !== undefined;
  }

  /** What this process itself knows of the task. */
  note(uuid: string, name: string, entries: readonly TimelineEntry[]): void {
    this.apply(uuid, name, entries, undefined, 0);
  }

  /**
   * A report, as it came. Never throws.
   *
   * @param worker where its sender can be told that nobody listens
   */
  receive(body: Buffer, worker?: string): void {
    let report: TaskResult;
    try {
      report = decodeTaskResult(body);
    } catch (error) {
      return this.options.warn(`A reply was dropped: ${(error as Error).message}`);
    }
    if (report.outcome !== undefined) this.unheard.ended(report.uuid);
    else if (worker !== undefined) this.unheard.received(report.uuid, worker);
    this.apply(report.uuid, report.name, report.timeline, report.outcome, body.length);
  }

  /** It was never published. */
  drop(uuid: string): void {
    this.unasked.take(uuid);
  }

  /** Nobody is interested any more: what is still to come is dropped as it comes. */
  forget(uuid: string): void {
    const known = this.find(uuid);
    if (this.watched.has(uuid)) return;
    this.unasked.take(uuid);
    this.told.take(uuid);
    if (known === undefined || isFinal(known.result.state)) return;
    this.unheard.left(uuid);
    if (this.withdrawn.size < MOST_WITHDRAWN) this.withdrawn.add(uuid);
  }

  read(uuid: string): Promise<TaskResult | undefined> {
    const result = this.find(uuid)?.result;
    return Promise.resolve(result === undefined || result.timeline.length === 0 ? undefined : result);
  }

  watch(uuid: string, onResult: (result: TaskResult) => void, _onError?: (error: Error) => void, wants: 'all' | 'end' = 'all'): StopWatching {
    const record = this.hold(uuid);
    this.withdrawn.delete(uuid);
    if (wants === 'all') this.listen(uuid, record);
    // A function of its own, so that one that watches twice is two.
    const watcher = (result: TaskResult): void => onResult(result);
    record.watchers.add(watcher);
    if (record.result.timeline.length > 0) queueMicrotask(() => { if (record.watchers.has(watcher)) this.tell(watcher, record.result); });
    return () => {
      if (!record.watchers.delete(watcher)) return;
      if (wants === 'all') this.stopListening(uuid, record);
      if (record.watchers.size === 0) this.letGo(uuid, record);
    };
  }

  close(): void {
    clock.clear(this.sweeping);
  }

  private apply(uuid: string, name: string, entries: readonly TimelineEntry[], outcome: TaskOutcome | undefined, bytes: number): void {
    if (this.withdrawn.has(uuid)) {
      if (outcome !== undefined) this.withdrawn.delete(uuid);
      return;
    }
    const known = this.find(uuid);
    const before = known === undefined || known.result.timeline.length === 0 ? newTaskResult(uuid, name) : known.result;
    const result = advance(before, entries, outcome);
    if (result === before) return;
    const changed = { result, bytes: ENTRY_BYTES * result.timeline.length + bytes, at: this.now() };
    const watched = this.watched.get(uuid);
    if (watched === undefined) return this.put(uuid, changed);
    Object.assign(watched, changed);
    for (const watcher of [...watched.watchers]) this.tell(watcher, result);
  }

  private listen(uuid: string, record: Watched): void {
    record.listeners++;
    this.unheard.cameBack(uuid);
  }

  /** Who waits for the end alone does not listen: it comes in any case. Nor does anybody leave who has never come. */
  private stopListening(uuid: string, record: Watched): void {
    record.listeners--;
    if (record.listeners === 0 && !isFinal(record.result.state)) this.unheard.left(uuid);
  }

  private find(uuid: string): KeptRecord | undefined {
    return this.watched.get(uuid) ?? this.unasked.get(uuid) ?? this.told.get(uuid);
  }

  private hold(uuid: string): Watched {
    let watched = this.watched.get(uuid);
    if (watched !== undefined) return watched;
    const kept = this.unasked.take(uuid) ?? this.told.take(uuid) ?? { result: newTaskResult(uuid, ''), bytes: ENTRY_BYTES, at: this.now() };
    watched = { ...kept, watchers: new Set(), listeners: 0 };
    this.watched.set(uuid, watched);
    return watched;
  }

  private letGo(uuid: string, { result, bytes }: Watched): void {
    this.watched.delete(uuid);
    const record = { result, bytes, at: this.now() };
    if (isFinal(result.state)) this.told.put(uuid, record);
    else this.put(uuid, record);
  }

  private put(uuid: string, record: KeptRecord): void {
    this.told.take(uuid);
    this.sweeping ??= clock.setInterval(() => this.sweep(), Math.min(SWEEP_MS, this.options.expiresInMs)).unref();
    for (const { result } of this.unasked.put(uuid, record)) this.warnOfLoss(result);
  }

  private sweep(): void {
    const now = this.now();
    this.unasked.expire(now);
    this.told.expire(now);
  }

  private warnOfLoss(result: TaskResult): void {
    if (!isFinal(result.state) || this.lost++ % 1_000 !== 0) return;
    this.options.warn(`More results came than are kept for whoever may ask for them (${MOST_UNASKED.count} or ${MOST_UNASKED.bytes} bytes); the oldest are dropped. `
      + 'Await results as they come, ask for fewer, or configure a resultBackend that keeps them.');
  }

  private tell(watcher: (result: TaskResult) => void, result: TaskResult): void {
    try {
      watcher(result);
    } catch (error) {
      this.options.warn(`A result could not be handed to whoever waits for it: ${String(error)}`);
    }
  }
}

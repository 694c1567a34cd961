import type { EventSink } from '../events/dispatcher-event.js';
import type { StopWatching } from '../state/state-backend.js';
import type { Format } from '../formats/format.js';
import { pauseUntil } from '../time/pause-until.js';
import type { Book } from './book.js';
import type { Schedule } from './schedule.js';
import { ScheduleRunner, type RunnerDependencies } from './schedule-runner.js';
import type { ScheduleStore } from './schedule-store.js';
import { readSchedule, type StoredSchedule } from './stored-schedule.js';
import { makeStopper } from '../time/stopper.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export interface SchedulerDependencies {
  readonly store: Pick<ScheduleStore, 'readBook' | 'watchBook'>;
  readonly format: Format;
  /** Whether anybody has ever added a schedule on this exchange, or paused one. */
  readonly anyStored: () => Promise<boolean>;
  readonly emit: EventSink;
  readonly runner: RunnerDependencies;
}

/**
 * Fires the schedules of this process: those that its code declares, and those of run time. The state that processes
 * share is opened when there is a schedule, and not before.
 */
export class Scheduler {
  private readonly stopping = makeStopper();
  private readonly declared = new Map<string, Schedule>();
  private readonly runners = new Map<string, { readonly runner: ScheduleRunner; readonly stored?: StoredSchedule }>();
  /** Stopped, and not yet at the end of their round. */
  private readonly ending = new Set<Promise<void>>();
  private book: Book | undefined;
  private following: Promise<void> | undefined;
  private refreshing: Promise<void> | undefined;
  private again = false;
  private stopWatching: StopWatching | undefined;
  private failures = 0;
  private started = false;

  constructor(private readonly dependencies: SchedulerDependencies) {}

  /** Of the code; exists as long as this process. The same name again is the same schedule. */
  declare(schedule: Schedule): void {
    if (this.declared.has(schedule.name)) return;
    this.declared.set(schedule.name, schedule);
    this.look();
    if (this.book !== undefined) this.begin(schedule, this.book);
  }

  declaredOnes(): ReadonlyMap<string, Schedule> {
    return this.declared;
  }

  /** From now on it fires. */
  start(): void {
    this.started = true;
    this.look();
  }

  /** There may be schedules of run time where there were none. Cheap: nothing happens once they are followed. */
  look(): void {
    if (!this.started || this.stopping.signal.aborted) return;
    this.following ??= this.follow();
  }

  /** Reads what has changed, or may have: one reading at a time, and one more where something changed during it. Never rejects. */
  refresh(): Promise<void> {
    this.look();
    if (this.stopWatching === undefined) return this.following ?? Promise.resolve();
    this.again = true;
    return (this.refreshing ??= this.readUntilQuiet().finally(() => { this.refreshing = undefined; }));
  }

  private async readUntilQuiet(): Promise<void> {
    while (this.again && !this.stopping.signal.aborted) {
      this.again = false;
      try {
        this.apply(await this.dependencies.store.readBook());
        this.failures = 0;
      } catch (error) {
        await this.failed('What has changed about schedules cannot be read; the known ones go on, and it is tried again', error);
        this.again = true;
      }
    }
  }

  private apply(book: Book): void {
    if (this.stopping.signal.aborted) return;
    this.book = book;
    for (const [name, { runner, stored }] of this.runners) {
      const isKept = this.isWanted(name, book) && runner.from === book.from[name] && (this.declared.has(name) ? stored === undefined : isSame(stored, book.schedules[name]));
      if (!isKept) this.end(name, runner);
    }
    for (const schedule of this.declared.values()) this.begin(schedule, book);
    for (const [name, stored] of Object.entries(book.schedules)) if (!this.declared.has(name)) this.beginStored(name, stored, book);
  }

  /** Nothing new is fired; resolves when what is under way has ended, at the latest after `limitMs`. */
  async stop(limitMs: number): Promise<void> {
    this.stopping.abort();
    this.stopWatching?.();
    for (const [name, { runner }] of this.runners) this.end(name, runner);
    const limit = new AbortController();
    await Promise.race([Promise.all([...this.ending, this.following, this.refreshing]), pauseUntil(limitMs, limit.signal)]);
    limit.abort();
  }

  /** Never rejects: without the shared state nothing fires, and it is tried again. */
  private async follow(): Promise<void> {
    try {
      if (this.declared.size > 0 || await this.dependencies.anyStored()) {
        await this.open();
        return;
      }
      this.following = undefined;
    } catch (error) {
      await this.failed('The schedules cannot be read; nothing fires here meanwhile, and it is tried again', error);
      this.following = undefined;
      this.look();
    }
  }

  private async open(): Promise<void> {
    const { store } = this.dependencies;
    const stop = await store.watchBook(() => void this.refresh());
    if (this.stopping.signal.aborted) return stop();
    this.stopWatching = stop;
    await this.refresh();
  }

  private async failed(message: string, error: unknown): Promise<void> {
    const { signal } = this.stopping;
    if (signal.aborted) return;
    if (this.failures++ === 0) this.problem(message, error);
    await pauseUntil(Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.failures - 1, 10), LONGEST_PAUSE_MS), signal);
  }

  private isWanted(name: string, book: Book): boolean {
    return !(name in book.pauses) && (this.declared.has(name) || name in book.schedules);
  }

  private begin(schedule: Schedule, book: Book, stored?: StoredSchedule): void {
    const { name } = schedule;
    if (this.runners.has(name) || !this.isWanted(name, book)) return;
    this.runners.set(name, { runner: new ScheduleRunner(schedule, book.from[name], this.dependencies.runner), stored });
  }

  private beginStored(name: string, stored: StoredSchedule, book: Book): void {
    if (this.runners.has(name) || !this.isWanted(name, book)) return;
    try {
      this.begin(readSchedule(name, stored, this.dependencies.format), book, stored);
    } catch (error) {
      this.problem('It was added by another version, and cannot be read here', error, name);
    }
  }

  private end(name: string, runner: ScheduleRunner): void {
    this.runners.delete(name);
    runner.stop();
    const ended = runner.ended.finally(() => this.ending.delete(ended));
    this.ending.add(ended);
  }

  private problem(message: string, error?: unknown, schedule?: string): void {
    this.dependencies.emit({ type: 'schedule.problem', schedule, message, error });
  }
}

function isSame(a: StoredSchedule | undefined, b: StoredSchedule | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

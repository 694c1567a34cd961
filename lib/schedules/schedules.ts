import { ConfigurationError, ScheduleExistsError, UnknownScheduleError } from '../errors.js';
import type { Audited } from '../events/audited.js';
import type { Format } from '../formats/format.js';
import { display } from '../task/argument-types.js';
import { text, trueOrFalse } from '../task/option-kinds.js';
import { checkOptions, requireText } from '../task/options.js';
import { withEntry, type Book } from './book.js';
import type { Told } from './cursor.js';
import { checkScheduleInput } from './check-schedule.js';
import type { Schedule, ScheduledTask, ScheduleInfo, ScheduleInput, SchedulePause } from './schedule.js';
import type { ScheduleStore } from './schedule-store.js';
import type { Scheduler } from './scheduler.js';
import { readSchedule, storeSchedule, type StoredSchedule } from './stored-schedule.js';
import type { TickSender } from './tick-sender.js';

const MOST_SCHEDULES = 1_000;
const MOST_NEXT = 5;
/** How many cursors are asked for at a time. */
const LIST_WINDOW = 20;

export interface SchedulesDependencies<Published extends { readonly uuid: string }> {
  readonly store: ScheduleStore;
  readonly scheduler: Pick<Scheduler, 'refresh' | 'declaredOnes'>;
  readonly sender: TickSender<Published>;
  readonly format: Format;
  /** Resolves when the broker can be used. */
  readonly ready: () => Promise<void>;
  /** Before the book is written for the first time: from then on every process looks into it. */
  readonly markStored: () => Promise<void>;
  /** Tells every process to look. */
  readonly tell: () => Promise<void>;
  readonly now: () => number;
  /** The newest version of a task that is known here. */
  readonly versionOf: (task: string) => number;
  /** What somebody does is told. Adding one is not: each process may add its schedules whenever it starts. */
  readonly audited: Audited;
}

/**
 * The schedules of an exchange: those of `@Task`, as far as the code of this process declares them, and those that were
 * added at run time, by whichever process. Every method may reject with what the broker or the state that processes
 * share throws when it cannot be reached.
 *
 * @publicApi
 */
export class Schedules<Published extends { readonly uuid: string }> {
  readonly #dependencies: SchedulesDependencies<Published>;

  /** Made by the dispatcher. */
  constructor(dependencies: SchedulesDependencies<Published>) {
    this.#dependencies = dependencies;
  }

  /**
   * Adds a schedule, kept until it is removed; every process picks it up at once. Adding what is there already, in the
   * same words, changes nothing, so that each process may add its schedules when it starts.
   *
   * @param options `replace`: a schedule of this name with other words gives way. Default: false.
   * @throws ScheduleExistsError when there is another one of this name
   * @throws ConfigurationError, InvalidTaskError for what cannot fire
   */
  async add(input: ScheduleInput, options?: { replace?: boolean }): Promise<void> {
    const { replace = false } = checkOptions(options, { replace: trueOrFalse }, { of: 'schedules.add', example: '{ replace: true }' });
    const { format, scheduler, now } = this.#dependencies;
    const schedule = checkScheduleInput(pinned(input, this.#dependencies.versionOf));
    const { name } = schedule;
    if (scheduler.declaredOnes().has(name)) {
      throw new ScheduleExistsError(`The schedule "${name}" is that of @Task('${name}'). Choose another name, or change the decorator.`, { schedule: name });
    }
    const stored = storeSchedule(schedule, format);
    await this.change((book) => {
      const present = book.schedules[name];
      if (present !== undefined && JSON.stringify(present) === JSON.stringify(stored)) return book;
      if (present !== undefined && !replace) {
        throw new ScheduleExistsError(`There is a schedule "${name}" already, with other words (${present.cron}). Choose another name, remove it, or add it with { replace: true }.`, { schedule: name });
      }
      if (present === undefined && Object.keys(book.schedules).length >= MOST_SCHEDULES) {
        throw new ConfigurationError(`There are ${MOST_SCHEDULES} schedules already; remove some first.`, { limit: MOST_SCHEDULES });
      }
      return { ...book, schedules: withEntry(book.schedules, name, stored), from: withEntry(book.from, name, now()) };
    });
  }

  /** Those of run time, and those that the code of this process declares, by name. */
  async list(): Promise<ScheduleInfo[]> {
    const book = await this.read();
    const schedules = [...this.all(book).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const list: ScheduleInfo[] = [];
    for (let start = 0; start < schedules.length; start += LIST_WINDOW) {
      list.push(...await Promise.all(schedules.slice(start, start + LIST_WINDOW).map((schedule) => this.describe(schedule, book))));
    }
    return list;
  }

  /**
   * Nothing fires until it is resumed, in every process and after restarts. What was published already runs.
   * Pausing what is paused replaces who, when and why.
   *
   * @throws UnknownScheduleError; ConfigurationError where it is not said by whom and why
   */
  async pause(name: string, options: { by: string; reason: string }): Promise<void> {
    await this.#dependencies.audited({ action: 'schedule.pause', by: options?.by, reason: options?.reason, what: { schedule: name } }, () => this.pauseNow(name, options));
  }

  private async pauseNow(name: string, options: { by: string; reason: string }): Promise<void> {
    checkName(name);
    const { by, reason } = checkOptions(options, { by: text(), reason: text() }, {
      of: 'schedules.pause', example: "{ by: 'Ada', reason: 'the report is wrong' }", required: ['by', 'reason'],
    });
    const { now } = this.#dependencies;
    await this.change((book) => {
      this.known(name, book);
      return { ...book, pauses: withEntry(book.pauses, name, { by, reason, since: now() }) };
    });
  }

  /**
   * It fires again, from its next tick on: those of the pause are not missed, they were not wanted. Returns false when
   * it was not paused.
   *
   * @throws UnknownScheduleError
   */
  async resume(name: string): Promise<boolean> {
    return this.#dependencies.audited({ action: 'schedule.resume', what: { schedule: name } }, () => this.resumeNow(name), (was) => ({ count: was ? 1 : 0 }));
  }

  private async resumeNow(name: string): Promise<boolean> {
    const { now, store } = this.#dependencies;
    let wasPaused = false;
    checkName(name);
    this.known(name, await this.read());
    await this.change((book) => {
      wasPaused = name in book.pauses;
      return wasPaused ? { ...book, pauses: withEntry(book.pauses, name, undefined), from: withEntry(book.from, name, now()) } : book;
    }, () => store.deleteCursor(name));
    return wasPaused;
  }

  /**
   * Publishes its task now, beside its ticks, also while it is paused. With a uuid of its own, so that each call is one task.
   *
   * @throws UnknownScheduleError, or what `publish` throws
   */
  async trigger(name: string): Promise<Published> {
    return this.#dependencies.audited({ action: 'schedule.trigger', what: { schedule: name } }, async () => {
      checkName(name);
      return this.#dependencies.sender.sendNow(this.known(name, await this.read()));
    });
  }

  /**
   * Removes a schedule of run time for good. What was published already runs.
   *
   * @throws UnknownScheduleError; ConfigurationError for one of a `@Task`, which exists as long as the code says so
   */
  async remove(name: string): Promise<void> {
    await this.#dependencies.audited({ action: 'schedule.remove', what: { schedule: name } }, () => this.removeNow(name));
  }

  private async removeNow(name: string): Promise<void> {
    const { store } = this.#dependencies;
    checkName(name);
    await this.change((book) => {
      // Also one that a newer version has written, and that cannot be read here.
      if (!(name in book.schedules) && this.known(name, book).source === 'decorator') {
        throw new ConfigurationError(`The schedule "${name}" is that of @Task('${name}'): remove it there, or pause it here.`, { schedule: name });
      }
      return { schedules: withEntry(book.schedules, name, undefined), pauses: withEntry(book.pauses, name, undefined), from: withEntry(book.from, name, undefined) };
    }, () => store.deleteCursor(name));
  }

  private async read(): Promise<Book> {
    await this.#dependencies.ready();
    return this.#dependencies.store.readBook();
  }

  /** Here at once, and everywhere soon. */
  private async change(change: (book: Book) => Book, afterwards?: () => Promise<void>): Promise<void> {
    const { ready, store, scheduler, markStored, tell } = this.#dependencies;
    await ready();
    await markStored();
    await store.changeBook(change);
    await afterwards?.();
    await Promise.all([scheduler.refresh(), tell()]);
  }

  private all(book: Book): Map<string, Schedule> {
    const { scheduler, format } = this.#dependencies;
    const all = new Map(scheduler.declaredOnes());
    for (const [name, stored] of Object.entries(book.schedules)) {
      const schedule = all.has(name) ? undefined : readable(name, stored, format);
      if (schedule !== undefined) all.set(name, schedule);
    }
    return all;
  }

  private known(name: string, book: Book): Schedule {
    const all = this.all(book);
    const schedule = all.get(name);
    if (schedule !== undefined) return schedule;
    throw new UnknownScheduleError(`There is no schedule ${display(name)} here. The known ones are: ${[...all.keys()].sort().join(', ') || 'none'}.`, { schedule: name });
  }

  private async describe({ name, source, cron, timeZone, missed, task, recurrence }: Schedule, book: Book): Promise<ScheduleInfo> {
    const { store, sender, now } = this.#dependencies;
    const { fired, recent = [] }: Told = (await store.readCursor(name))?.cursor ?? {};
    const pause = book.pauses[name];
    const paused: SchedulePause | undefined = pause && { by: pause.by, reason: pause.reason, since: new Date(pause.since) };
    const [next, ...later] = paused === undefined ? ticksAfter(recurrence, now()) : [];
    const firings = recent.map(({ tick, by, error }) => ({ tick: new Date(tick), by, ...(error === undefined ? { uuid: sender.uuidOf(name, tick) } : { error }) }));
    return {
      name, source, cron, missed, task: task.name, firings, nextTicks: next === undefined ? [] : [next, ...later].map((tick) => new Date(tick)), ...(timeZone !== undefined && { timeZone }), ...(next !== undefined && { nextTick: new Date(next) }),
      ...(fired !== undefined && { lastTick: new Date(fired.tick), lastTickBy: fired.by }), ...(paused !== undefined && { paused }),
    };
  }
}

function ticksAfter(recurrence: Schedule['recurrence'], after: number): number[] {
  const ticks: number[] = [];
  for (let tick = recurrence.next(after); tick !== undefined && ticks.length < MOST_NEXT; tick = recurrence.next(tick)) ticks.push(tick);
  return ticks;
}

/** What another version wrote and this one cannot read is reported by whoever would fire it. */
function readable(name: string, stored: StoredSchedule, format: Format): Schedule | undefined {
  try {
    return readSchedule(name, stored, format);
  } catch {
    return undefined;
  }
}

function checkName(name: unknown): void {
  requireText(name, 'The name of a schedule');
}

/** As the task is now: whoever fires it later may know a newer version, for which its arguments are not. */
function pinned(input: ScheduleInput, versionOf: (task: string) => number): ScheduleInput {
  const task: ScheduledTask | undefined = typeof input?.task === 'string' ? { name: input.task } : input?.task;
  if (typeof task !== 'object' || task === null || task.version !== undefined || typeof task.name !== 'string') return input;
  const version = versionOf(task.name);
  return version === 1 ? input : { ...input, task: { ...task, version } };
}

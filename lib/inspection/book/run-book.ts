import type { TaskIdentity } from '../../events/dispatcher-event.js';
import { detached, errorText } from '../../task/error-text.js';
import { Header } from '../../task/headers.js';
import { waitedMs } from '../../task/waited.js';
import { errorRecord, type TaskErrorRecord } from '../../results/task-error-record.js';
import type { TaskHeaders } from '../../task/task.js';
import { clock } from '../../time/clock.js';
import type { ObservedEnd, ObservedRun, RunObserver } from '../../worker/run-observer.js';
import type { TaskPortion } from '../asking/messages.js';
import { markOf } from '../failure-mark.js';
import type { EndedState, LogLine } from '../model.js';
import { ClaimBook } from './claim-book.js';
import { TickBook } from './tick-book.js';
import { type EndedEntry, KeptEnds } from './kept-ends.js';
import { QueueMinutes } from './queue-minutes.js';
import { TaskKind } from './task-kind.js';
import { PutOffBook } from './put-off-book.js';
import { Tally } from './tally.js';

/** Ends of a process, and failures among them, which are kept for longer. */
const MOST_ENDS = 1_000;
const MOST_FAILURES = 500;
/** Of arguments and log lines. */
const MOST_BYTES_OF_ENDS = 5 * 1024 * 1024;
const MOST_BYTES_OF_FAILURES = 3 * 1024 * 1024;
/**
 * Of what succeeds no more are kept in a second: one whole ring. All of many thousands a second would show the last few
 * milliseconds, and would keep what each task is made of alive past the cheap collections of garbage.
 */
export const MOST_SUCCESSES_A_SECOND = MOST_ENDS;
/** The body that they came in. */
export const MOST_ARGS_BYTES = 16 * 1024;
/** With all others in one, as many as an answer has items. */
const MOST_KINDS = 999;
const MOST_HEADER_CHARACTERS = 4_096;
const MOST_ERROR_LINE = 300;
const NO_LINES: readonly LogLine[] = [];

/**
 * What the workers of this process have done lately. Written for every task, and so in as little as can be: counts, and
 * one entry that points at what is there anyhow. All of it is bounded.
 */
export class RunBook {
  readonly ends = new KeptEnds(MOST_ENDS, MOST_BYTES_OF_ENDS);
  readonly failures = new KeptEnds(MOST_FAILURES, MOST_BYTES_OF_FAILURES);
  private readonly kinds = new Map<string, TaskKind>();
  /** By publishing. */
  readonly claims = new ClaimBook();
  readonly putOffs = new PutOffBook();
  /** By publishing for later. */
  readonly delays = new PutOffBook();
  readonly ticks = new TickBook();
  private readonly otherKinds = new TaskKind(undefined);
  private readonly workers = new Map<string, WorkerBook>();
  private second = 0;
  private successes = 0;

  /** @param also is told of each that is kept */
  constructor(private readonly now: () => number = clock.now, private readonly also?: (entry: EndedEntry) => void) {}

  /** The same for a worker of the same name, should it be made anew. */
  of(worker: string, queue: string): WorkerBook {
    let book = this.workers.get(worker);
    if (book === undefined || book.queue !== queue) this.workers.set(worker, (book = new WorkerBook(worker, queue, this, this.now)));
    return book;
  }

  /** Of names of which there are too many, one for all. */
  kind(name: string): TaskKind {
    const known = this.kinds.get(name);
    if (known !== undefined) return known;
    if (this.kinds.size >= MOST_KINDS) return this.otherKinds;
    const kept = detached(name);
    const kind = new TaskKind(kept);
    this.kinds.set(kept, kind);
    return kind;
  }

  /** What became of tasks by their names, the most of them first. */
  portions(now: number, startedAt: number): TaskPortion[] {
    const portions = [...this.kinds.values(), this.otherKinds].map((kind) => kind.portion(now, startedAt));
    return portions.filter(({ lastEndedAt }) => lastEndedAt > 0).sort((a, b) => endedOf(b) - endedOf(a));
  }

  /** Whether there is room for one more of this second. */
  keepsSuccess(now: number): boolean {
    const second = Math.floor(now / 1000);
    if (second !== this.second) [this.second, this.successes] = [second, 0];
    return this.successes++ < MOST_SUCCESSES_A_SECOND;
  }

  add(entry: EndedEntry): void {
    this.also?.(entry);
    this.ends.add(entry);
    // An entry of its own: each ring takes the arguments away in its own time.
    if (entry.error !== undefined) this.failures.add({ ...entry });
  }
}

/** One worker's part of it. */
export class WorkerBook implements RunObserver {
  readonly tally = new Tally();
  readonly minutes = new QueueMinutes();
  /** How long the task that ended here last had waited, where its message has said since when. */
  lastWaitMs: number | undefined;

  constructor(readonly worker: string, readonly queue: string, private readonly book: RunBook, private readonly now: () => number) {}

  received(): void {
    this.minutes.received(this.now());
  }

  ended(run: ObservedRun, end: ObservedEnd, reason?: string, error?: unknown): void {
    const now = this.now();
    const durationMs = clock.elapsed() - run.startedAt;
    const kind = this.book.kind(run.name);
    this.count(now, end, durationMs);
    kind.ended(now, end, durationMs);
    this.lastWaitMs = waitedMs(run.attempt, run, now - durationMs) ?? this.lastWaitMs;
    if (end !== 'dropped' && run.headers[Header.schedule] !== undefined) {
      this.book.ticks.add({ uuid: run.uuid, state: end, at: now, attempt: run.attempt, ...(error === undefined ? {} : { error: errorText(error).slice(0, MOST_ERROR_LINE) }) });
    }
    if (end === 'succeeded' && !this.book.keepsSuccess(now)) return;
    const argsBytes = run.delivery.body.length;
    const isLarge = argsBytes > MOST_ARGS_BYTES;
    this.book.add({
      uuid: isLarge ? detached(run.uuid) : run.uuid, name: kind.name ?? detached(run.name), attempt: run.attempt, queue: this.queue, worker: this.worker, state: end, reason,
      error: recordOf(error), mark: error === undefined ? undefined : markOf(error), startedAt: now - durationMs, endedAt: now, args: isLarge ? undefined : run.task.args, argsBytes,
      headers: end === 'succeeded' ? undefined : smallHeaders(run.headers), // A copy: whatever a handler still writes after its end is not of it.
      log: run.notes === undefined ? NO_LINES : [...run.notes.lines], sent: run.notes?.sent,
    });
  }

  endedUnrun(task: TaskIdentity, end: ObservedEnd, reason?: string, error?: unknown): void {
    const now = this.now();
    const kind = this.book.kind(task.name);
    this.count(now, end, 0);
    kind.ended(now, end);
    this.book.add({
      uuid: detached(task.uuid), name: kind.name ?? detached(task.name), attempt: task.attempt, queue: this.queue, worker: this.worker, state: end, reason,
      error: recordOf(error), mark: error === undefined ? undefined : markOf(error), startedAt: now, endedAt: now, args: undefined, argsBytes: 0, headers: undefined, log: NO_LINES, sent: undefined,
    });
  }

  private count(now: number, end: EndedState, durationMs: number): void {
    this.tally.ended(now, end);
    if (end === 'succeeded' || end === 'failed') this.minutes.ended(now, end, durationMs);
    else if (end === 'retrying') this.minutes.ended(now, 'retried', durationMs);
  }
}

function endedOf({ totals: { succeeded, failed, retried, cancelled } }: TaskPortion): number {
  return succeeded + failed + retried + cancelled;
}

const MOST_MESSAGE = 2_000;
const MOST_STACK = 8_000;

/** Of the errors behind it only the nearest. */
function recordOf(error: unknown): TaskErrorRecord | undefined {
  if (error === undefined) return undefined;
  const { cause, ...first } = errorRecord(error);
  return { ...cut(first), ...(cause === undefined ? {} : { cause: cut(cause) }) };
}

function cut({ name, message, stack, code }: TaskErrorRecord): TaskErrorRecord {
  return { name, message: detached(message.slice(0, MOST_MESSAGE)), ...(code === undefined ? {} : { code }), ...(stack === undefined ? {} : { stack: detached(stack.slice(0, MOST_STACK)) }) };
}

/** What is larger is not worth its room. */
function smallHeaders(headers: Readonly<TaskHeaders>): TaskHeaders | undefined {
  let characters = 0;
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (typeof value === 'object' && value !== null) return undefined;
    characters += name.length + (typeof value === 'string' ? value.length : 8);
    if (characters > MOST_HEADER_CHARACTERS) return undefined;
  }
  return headers;
}

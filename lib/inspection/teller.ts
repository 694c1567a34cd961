import type { BrokerStatus, QueueType } from '../brokers/broker.js';
import type { TaskContract } from '../contract/model.js';
import { versionIn } from '../task/headers.js';
import { matchesName } from '../task/name-pattern.js';
import { clock } from '../time/clock.js';
import type { ObservedRun } from '../worker/run-observer.js';
import type { Also, Answer, Items, Kind, LockPart, Question, TaskPart, TaskPortion, TickEnd } from './asking/messages.js';
import type { ActionBook } from './book/action-book.js';
import { type EndedEntry } from './book/kept-ends.js';
import { MOST_ARGS_BYTES, type RunBook } from './book/run-book.js';
import { type ContractPart, partOf } from './contract-report.js';
import { type Failure, failureGroups } from './failure-groups.js';
import { locksOfClaims, locksOfRun } from './held-locks.js';
import type { EndedTaskInfo, ProcessInfo, RunningTaskInfo, TaskFilter, WorkerInfo, Whereabouts } from './model.js';
import type { FactsOfProcess } from './process-facts.js';
import type { Redaction } from './redaction.js';
import { uniqueKeyOf } from './task-report.js';
import { matches } from './task-filter.js';

/** A worker of this process, as it is told of. */
export interface ToldWorker {
  readonly name: string;
  readonly queue: string;
  /** `undefined`: the server's own. */
  readonly type: QueueType | undefined;
  readonly limit: number;
  readonly activity: { readonly running: number; readonly waiting: number };
  readonly consuming: boolean;
  readonly isPaused: boolean;
  readonly taskNames: readonly string[];
  /** Those that hold a slot. */
  readonly runs: readonly ObservedRun[];
}

export type ToldProcess = Pick<ProcessInfo, 'id' | 'host' | 'pid' | 'role' | 'versions' | 'startedAt'>;

export interface TellerDependencies {
  readonly process: ToldProcess;
  readonly workers: () => readonly ToldWorker[];
  readonly book: RunBook;
  readonly actions: ActionBook;
  /** Of the tasks whose code is here. */
  readonly contract: () => readonly TaskContract[];
  readonly facts: FactsOfProcess;
  readonly redaction: Redaction;
  readonly connection: () => BrokerStatus;
  /** Of the application: paths of its files are told from there. */
  readonly folder: string;
  readonly now: () => number;
}

const MOST_ITEMS = 1_000;
const DEFAULT_ITEMS = 200;
const MOST_RUNNING_OF_PROCESS = 100;
/** Of one that is looked at again and again: enough to tell what a lost one ran last. */
const FEW_RUNNING_OF_PROCESS = 20;

/** What this process answers when it is asked. All of it is made when somebody asks, and passes the redaction. */
export class Teller {
  constructor(private readonly dependencies: TellerDependencies) {}

  answer(question: Question): Answer {
    const { id, limit = DEFAULT_ITEMS } = question;
    const most = Number.isSafeInteger(limit) && limit > 0 ? Math.min(limit, MOST_ITEMS) : DEFAULT_ITEMS;
    const head = { id, process: this.dependencies.process.id };
    return question.kind === 'processes' && question.also !== undefined ? { ...head, ...this.overview(question.also) } : { ...head, items: this.itemsOf(question, most) };
  }

  private overview({ since, running }: Also): Pick<Answer<'processes'>, 'items' | 'also'> {
    const from = Number.isSafeInteger(since) ? since : undefined;
    const queues = this.dependencies.workers().map((worker) => this.queuePart(worker, from));
    if (!Number.isSafeInteger(running)) return { items: [this.process(FEW_RUNNING_OF_PROCESS)], also: { queues } };
    return { items: [this.process(0)], also: { queues, running: this.longest(Math.min(MOST_ITEMS, Math.max(FEW_RUNNING_OF_PROCESS, running as number))) } };
  }

  private itemsOf({ kind, filter = {}, actions = {}, uuids = [] }: Question, most: number): readonly Items[Kind][] {
    // All of them: an answer holds as many as fit.
    if (kind === 'contract') return this.contract();
    if (kind === 'actions') return this.dependencies.actions.list(actions, most);
    return kind === 'firings' ? this.firings(new Set(Array.isArray(uuids) ? uuids : [])).slice(0, most) : this.items(kind, filter, most);
  }

  private firings(uuids: ReadonlySet<string>): TickEnd[] {
    const { book, now, workers } = this.dependencies;
    const runs = workers().flatMap((worker) => worker.runs.filter(({ uuid }) => uuids.has(uuid)));
    return [...runs.map(({ uuid, attempt, startedAt }) => ({ uuid, state: 'running' as const, at: Math.round(now() - (clock.elapsed() - startedAt)), attempt })), ...book.ticks.of(uuids)];
  }

  private contract(): ContractPart[] {
    const { contract, process: { id, startedAt }, workers } = this.dependencies;
    const running = new Set(workers().filter(({ consuming }) => consuming).flatMap(({ taskNames }) => taskNames));
    return contract().map((task) => partOf(task, { process: id, startedAt, runs: running.has(task.name) }));
  }

  private items(kind: Exclude<Kind, 'actions' | 'firings' | 'contract'>, filter: TaskFilter, limit: number): readonly Items[Kind][] {
    switch (kind) {
      case 'processes': return [this.process()];
      case 'running': return this.running(filter).slice(0, limit);
      case 'recent': return this.ended(this.dependencies.book.ends.newestFirst(), filter, limit);
      case 'failures': return failureGroups(this.failures(filter), this.dependencies.folder).slice(0, limit);
      case 'queues': return this.dependencies.workers().map((worker) => this.queuePart(worker));
      case 'task': return this.task(filter, limit);
      case 'locks': return this.locks(filter).slice(0, limit);
      case 'tasks': return this.portions(filter).slice(0, limit);
    }
  }

  private process(mostRunning = MOST_RUNNING_OF_PROCESS): ProcessInfo {
    const { process, facts, connection, now, workers } = this.dependencies;
    return {
      ...process, status: 'alive', seenAt: now(), ...facts.read(), connection: connection(), workers: workers().map((worker) => this.worker(worker)),
      running: this.longest(mostRunning).map(({ args: _args, ...rest }) => rest),
    };
  }

  private worker({ name, queue, limit, activity: { running, waiting }, isPaused, consuming, taskNames }: ToldWorker): WorkerInfo {
    const { book, now, process } = this.dependencies;
    const { tally } = book.of(name, queue);
    return { name, queue, limit, running, waiting, paused: isPaused, consuming, totals: tally.totals, rate: tally.rate(now(), process.startedAt), tasks: taskNames };
  }

  private queuePart({ name, queue, type, activity: { running, waiting }, consuming }: ToldWorker, since?: number): Items['queues'] {
    const { book, now } = this.dependencies;
    const { minutes, lastWaitMs } = book.of(name, queue);
    return { queue, worker: name, ...(type === undefined ? {} : { type }), running, waiting, consuming, ...(lastWaitMs === undefined ? {} : { lastWaitMs }), history: minutes.list(now(), since) };
  }

  /** Only those are made that are told. */
  private longest(most: number): RunningTaskInfo[] {
    const runs = this.dependencies.workers().flatMap((worker) => worker.runs.map((run) => ({ run, worker })));
    return runs.sort((a, b) => a.run.startedAt - b.run.startedAt).slice(0, most).map(({ run, worker }) => this.run(run, worker));
  }

  /** The longest first. */
  private running(filter: TaskFilter): RunningTaskInfo[] {
    const runs = this.dependencies.workers().flatMap((worker) => worker.runs.map((run) => this.run(run, worker)));
    return runs.filter((run) => matches(filter, run)).sort((a, b) => a.startedAt - b.startedAt);
  }

  private run(run: ObservedRun, worker: ToldWorker): RunningTaskInfo {
    const { book, now, redaction } = this.dependencies;
    const runningMs = clock.elapsed() - run.startedAt;
    const argsBytes = run.delivery.body.length;
    const args = argsBytes > MOST_ARGS_BYTES ? undefined : redaction.args(run.task.args, { name: run.name, queue: worker.queue });
    const version = versionIn(run.headers);
    const uniqueKey = uniqueKeyOf(run.headers);
    const usualMs = book.kind(run.name).usualMs(now());
    return {
      ...this.whereabouts(worker.name, worker.queue), uuid: run.uuid, name: run.name, ...(version === 1 ? {} : { version }), attempt: run.attempt, startedAt: Math.round(now() - runningMs), runningMs: Math.round(runningMs), argsBytes,
      ...(run.notes?.progress === undefined ? {} : { progress: run.notes.progress }), ...(args === undefined ? {} : { args }), ...(usualMs === undefined ? {} : { isSlow: runningMs > usualMs }), ...(uniqueKey === undefined ? {} : { uniqueKey }),
      ...(run.seat === undefined ? {} : { batch: { id: run.seat.batchId, size: run.seat.batchSize } }),
    };
  }

  private ended(entries: Iterable<EndedEntry>, filter: TaskFilter, limit: number): EndedTaskInfo[] {
    const found: EndedTaskInfo[] = [];
    for (const entry of entries) {
      // What says no at once need not be redacted first.
      if (filter.uuid !== undefined && filter.uuid !== entry.uuid) continue;
      const told = this.end(entry);
      if (matches(filter, told)) found.push(told);
      if (found.length >= limit) break;
    }
    return found;
  }

  private* failures(filter: TaskFilter): Generator<Failure> {
    for (const entry of this.dependencies.book.failures.newestFirst()) {
      const told = this.end(entry);
      if (entry.mark !== undefined && matches(filter, told)) yield { told, mark: entry.mark };
    }
  }

  /** As others may see it. */
  end(entry: EndedEntry): EndedTaskInfo {
    const { redaction } = this.dependencies;
    const { uuid, name, attempt, state, reason, error, argsBytes, log } = entry;
    const [args, headers] = [redaction.args(entry.args, entry), redaction.headers(entry.headers)];
    const [startedAt, endedAt] = [Math.round(entry.startedAt), Math.round(entry.endedAt)];
    return {
      ...this.whereabouts(entry.worker, entry.queue), uuid, name, attempt, state, startedAt, endedAt, durationMs: endedAt - startedAt, argsBytes, log,
      ...(reason === undefined ? {} : { reason }), ...(error === undefined ? {} : { error }), ...(args === undefined ? {} : { args }), ...(headers === undefined ? {} : { headers }),
    };
  }

  private task({ uuid }: TaskFilter, limit: number): TaskPart[] {
    if (uuid === undefined) return [];
    const { ends, failures } = this.dependencies.book;
    const running = this.dependencies.workers().flatMap((worker) => worker.runs.filter((run) => run.uuid === uuid)
      .map((run) => ({ uuid, running: { ...this.run(run, worker), log: run.notes?.lines ?? [] } })));
    const ended = this.ended(ends.newestFirst(), { uuid }, limit);
    const older = this.ended(failures.newestFirst(), { uuid }, limit).filter(({ endedAt, attempt }) => !ended.some((one) => one.endedAt === endedAt && one.attempt === attempt));
    return [...running, ...[...ended, ...older].map((end) => ({ uuid, ended: end })), ...this.putOffs(uuid), ...this.family(uuid)];
  }

  private putOffs(uuid: string): TaskPart[] {
    const { book: { putOffs, delays }, now } = this.dependencies;
    const [putOff, delay] = [putOffs.of(uuid), delays.of(uuid)];
    // What it was delayed for, and what has come of it since, is another matter once it is due.
    const isDelayed = delay !== undefined && delay.dueAt > now();
    return [...(putOff === undefined ? [] : [{ uuid, putOff }]), ...(isDelayed ? [{ uuid, putOff: delay }] : [])];
  }

  /** Who has published it here, and what it has published. */
  private family(uuid: string): TaskPart[] {
    const { book, workers } = this.dependencies;
    const parts: TaskPart[] = [];
    const look = (of: string, sent: readonly string[] | undefined): void => {
      if (sent === undefined) return;
      if (of === uuid) parts.push({ uuid, children: sent });
      else if (sent.includes(uuid)) parts.push({ uuid, parent: of });
    };
    for (const { runs } of workers()) for (const run of runs) look(run.uuid, run.notes?.sent);
    for (const entry of book.ends.newestFirst()) look(entry.uuid, entry.sent);
    return parts;
  }

  /** What runs first: nobody else knows of it. */
  private locks({ name: wanted }: TaskFilter): LockPart[] {
    const { book, now, process: { id, host, pid }, workers } = this.dependencies;
    const told = { process: id, host, pid };
    const running = workers().flatMap((worker) => worker.runs.flatMap((run) => locksOfRun(run, worker.name, Math.round(now() - (clock.elapsed() - run.startedAt)), told)));
    const all = [...running, ...locksOfClaims(book.claims, told)];
    return wanted === undefined ? all : all.filter(({ name }) => matchesName(wanted, name));
  }

  private portions({ name: wanted, process: of }: TaskFilter): TaskPortion[] {
    const { book, now, process } = this.dependencies;
    if (of !== undefined && of !== process.id) return [];
    const portions = book.portions(now(), process.startedAt);
    return wanted === undefined ? portions : portions.filter(({ name }) => name !== undefined && matchesName(wanted, name));
  }

  private whereabouts(worker: string, queue: string): Whereabouts {
    const { id, host, pid } = this.dependencies.process;
    return { process: id, host, pid, worker, queue };
  }
}

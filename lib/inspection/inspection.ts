import type { Observable } from 'rxjs';
import type { ScheduleInfo } from '../schedules/schedule.js';
import type { TaskResult } from '../results/task-result.js';
import { requireText } from '../task/options.js';
import type { WorkflowFilter, WorkflowPage } from '../workflows/workflow-info.js';
import type { Asking } from './asking/asker.js';
import type { Answer, Items, Kind } from './asking/messages.js';
import type { FollowedEvent } from './following/followed-event.js';
import type { FollowFilter } from './following/follow-filter.js';
import { contractReport, type ContractReport } from './contract-report.js';
import { mergedGroups, withNotes } from './failure-groups.js';
import { checkActions } from './action-filter.js';
import { checkList, checkLocks, checkTasks, type InspectOptions, type InspectTaskOptions, type ListOptions, type LocksFilter, MOST, type OverviewOptions, peekOf, type TasksFilter, timeoutOf } from './inspect-options.js';
import { Overviews, type OverviewsDependencies } from './overviews.js';
import { claimedLock, type ClaimOf, locksReport } from './locks-report.js';
import type { ActionFilter, ActionInfo, DelayedReport, EndedTaskInfo, FailureGroup, FailureNote, LockInfo, OverviewReport, ProcessInfo, QueueInfo, QueuesReport, RunningTaskInfo, TaskFilter, TaskInfo, TasksReport, WaitingReport, WaitingTaskInfo } from './model.js';
import { queuesReport, type QueueSource } from './queues-report.js';
import { awaitingRetry, narrowed } from './retrying.js';
import { tasksOfFirings, withOutcomes } from './schedules-report.js';
import { tasksReport } from './tasks-report.js';
import { type DeadFound, endsOf, lastPutOff, type TaskFindings, taskReport, type WaitingFound, type SuspendedFound } from './task-report.js';

const NOWHERE = { pauses: [], queues: [], limits: [] };
const DEFAULT_PEEK = 100;
const DEFAULT_FIRST = 50;
const MOST_QUEUES_LOOKED_AT = 50;
/** Several who look at queues at the same time ask the broker once. */
const FRESH_MS = 500;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DUE_STEPS_MS = [10_000, MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS, 7 * 24 * HOUR_MS];

export interface InspectionDependencies extends OverviewsDependencies {
  readonly exchange: string;
  readonly queues: QueueSource;
  readonly dead: (queue: string, uuid: string) => Promise<DeadFound | undefined>;
  /** Among the first `most` that wait. */
  readonly waiting: (queue: string, uuid: string, most: number) => Promise<WaitingFound | undefined>;
  /** The first `most` that wait. */
  readonly firstOf: (queue: string, most: number) => Promise<WaitingTaskInfo[]>;
  readonly delayedWithin: (boundsMs: readonly number[]) => Promise<number[]>;
  /** Whether it waits between two of its steps. */
  readonly suspended: (uuid: string) => Promise<SuspendedFound | undefined>;
  /** What results tell of it, where this process can know. */
  readonly record: (uuid: string) => Promise<TaskResult | undefined>;
  readonly schedules: () => Promise<ScheduleInfo[]>;
  readonly events: (filter: FollowFilter | undefined) => Observable<FollowedEvent>;
  /** What the store has, where history is kept; the latest first. */
  readonly history: ((filter: TaskFilter, limit: number) => Promise<EndedTaskInfo[]>) | undefined;
  readonly claim: ClaimOf;
  /** What people have noted of groups of failures, by their ids. Never rejects. */
  readonly failureNotes: () => Promise<ReadonlyMap<string, FailureNote>>;
  readonly workflows: (list?: WorkflowFilter) => Promise<WorkflowPage>;
}

/**
 * What happens on the exchange now, in all processes: those that live are asked, and answer within a second. It works on
 * every broker, with nothing to install or to store, and costs nothing while nobody asks. Processes of an older version
 * of this library, and those with `inspection: { enabled: false }`, do not answer.
 *
 * Each method rejects with a `BrokerRefusedError` where the user of the broker may not ask. While the broker is away,
 * this process alone is told of.
 *
 * @publicApi
 */
export class Inspection {
  private readonly reports = new Map<boolean, { readonly at: number; readonly queues: Promise<QueuesReport> }>();
  private readonly overviews: Overviews;

  /** Made by the dispatcher. */
  constructor(private readonly dependencies: InspectionDependencies) {
    this.overviews = new Overviews(dependencies);
  }

  /**
   * All that an overview shows, for whoever looks again and again: one question to each process, whatever it is asked
   * for, and answers that tell what is new. Who looks at the same time is told the same.
   *
   * @throws ConfigurationError for what are no options
   */
  async overview(options?: OverviewOptions): Promise<OverviewReport> {
    return this.overviews.look(options);
  }

  /**
   * The processes that use the exchange, this one included. One that died without a word is `lost` within 15 seconds,
   * with what it ran last, if somebody had looked in the half minute before; it is shown for an hour.
   */
  async processes(options?: InspectOptions): Promise<ProcessInfo[]> {
    await this.ask({ kind: 'processes' }, options);
    const { asker, now } = this.dependencies;
    return asker.known.list(now()).sort((a, b) => a.startedAt - b.startedAt);
  }

  /** What runs now, the longest first. @throws ConfigurationError for what is no filter */
  async running(list?: TaskFilter & ListOptions, options?: InspectOptions): Promise<RunningTaskInfo[]> {
    const { filter, limit } = checkList(list);
    const found = await this.ask({ kind: 'running', filter, limit }, options);
    return found.sort((a, b) => a.startedAt - b.startedAt).slice(0, limit);
  }

  /** The queues of this process' configuration and of all workers: what waits, what is dead, what was done in the last hour. */
  async queues(options?: InspectOptions): Promise<QueuesReport> {
    timeoutOf(options);
    const { now } = this.dependencies;
    const isOwn = options?.ownOnly === true;
    const latest = this.reports.get(isOwn);
    if (latest !== undefined && now() - latest.at <= FRESH_MS) return latest.queues;
    const queues = this.reportOf(options);
    this.reports.set(isOwn, { at: now(), queues });
    queues.catch(() => this.reports.delete(isOwn));
    return queues;
  }

  /**
   * What has ended lately, the latest first: of each process the last 1,000, and with `inspection: { history }` what the
   * store has kept. `before` is `endedAt` of the last one seen, for the next page.
   *
   * @throws ConfigurationError for what is no filter
   */
  async recent(list?: TaskFilter & ListOptions & { before?: number }, options?: InspectOptions): Promise<EndedTaskInfo[]> {
    const { filter, limit } = checkList(list);
    const [told, kept] = await Promise.all([this.ask({ kind: 'recent', filter, limit }, options), this.dependencies.history?.(filter, limit) ?? []]);
    const found = new Map([...kept, ...told].map((end) => [`${end.process} ${end.uuid} ${end.attempt} ${end.endedAt}`, end]));
    return [...found.values()].sort((a, b) => b.endedAt - a.endedAt).slice(0, limit);
  }

  /**
   * What failed lately, by the name of the task and the kind of its error, the latest first: of each process the last 500
   * failures, those that are tried again among them.
   *
   * @throws ConfigurationError for what is no filter
   */
  async failures(list?: TaskFilter & ListOptions, options?: InspectOptions): Promise<FailureGroup[]> {
    const { filter, limit } = checkList(list);
    const groups = mergedGroups(await this.ask({ kind: 'failures', filter, limit }, options)).slice(0, limit);
    return withNotes(groups, await this.dependencies.failureNotes());
  }

  /**
   * Where a task is, and what is known of it: from the processes that run it or have run it, from the dead letters, from
   * its result where one is kept, and from the first tasks that wait in the queues.
   */
  async task(uuid: string, options?: InspectTaskOptions): Promise<TaskInfo> {
    requireText(uuid, 'The uuid of the task that is asked about');
    const peek = peekOf(options);
    const parts = await this.ask({ kind: 'task', filter: { uuid }, limit: DEFAULT_PEEK }, options);
    const record = await this.dependencies.record(uuid).catch(() => undefined);
    const ends = endsOf(parts);
    const isFound = parts.some(({ running }) => running !== undefined) || ['succeeded', 'cancelled', 'expired'].includes(ends.at(-1)?.state ?? '');
    if (isFound) return taskReport(uuid, { parts, record, dead: undefined, waiting: undefined, looked: [] }, NOWHERE);
    const suspended = await this.dependencies.suspended(uuid).catch(() => undefined);
    const { queues } = await this.queues(options);
    const [found, pauses] = [await this.inQueues(uuid, queues, peek), await this.dependencies.queues.pauses()];
    const waits = found.waiting?.name ?? (found.dead === undefined ? lastPutOff(parts)?.name : undefined);
    const limits = waits === undefined ? [] : await this.locks({ name: waits }, options);
    return taskReport(uuid, { parts, record, suspended, ...found }, { pauses, queues, limits });
  }

  /**
   * What became of tasks, by their names: how many, how fast, and how long they took. Of the processes that answer.
   *
   * @throws ConfigurationError for what is no filter
   */
  async tasks(list?: TasksFilter, options?: InspectOptions): Promise<TasksReport> {
    const { filter, limit } = checkTasks(list);
    return tasksReport(await this.ask({ kind: 'tasks', filter, limit: MOST }, options), limit);
  }

  /**
   * Who did what to queues, tasks, workers, schedules and workflows, the latest first: each process remembers its last 500,
   * and what others have told it that have ended since, such as the command line.
   *
   * @throws ConfigurationError for what is no filter
   */
  async audit(list?: ActionFilter & ListOptions, options?: InspectOptions): Promise<ActionInfo[]> {
    const { filter, limit } = checkActions(list);
    const found = await this.ask({ kind: 'actions', actions: filter, limit }, options);
    // What was handed over, all tell who heard it.
    return [...new Map(found.map((action) => [action.id, action])).values()].sort((a, b) => b.at - a.at).slice(0, limit);
  }

  /**
   * What happens in all processes from now on, while somebody is subscribed: each process tells of its events, twice a
   * second at most, 500 a second and all together some 2,000; what is left out is counted (`dropped`). Nothing is sent
   * while nobody follows. Of this process it is told while the broker is away too. Completes when the dispatcher closes;
   * ends with a `BrokerRefusedError` where the user of the broker may not ask.
   *
   * @throws ConfigurationError for what is no filter
   */
  events(filter?: FollowFilter): Observable<FollowedEvent> {
    return this.dependencies.events(filter);
  }

  /**
   * The first tasks that wait in a queue, 50 unless `peek` says otherwise: they are held for the moment, and go back to
   * their places. Quorum queues count that as a delivery: they, and those whose type nobody knows, are looked at only where `peek` is given.
   *
   * @throws ConfigurationError for what is no queue
   */
  async waiting(queue: string, options?: InspectTaskOptions): Promise<WaitingReport> {
    requireText(queue, 'The queue that is asked about');
    const peek = peekOf(options);
    const { type } = (await this.queues(options)).queues.find(({ name }) => name === queue) ?? {};
    const waiting = await this.dependencies.queues.depth(queue);
    const unseen = type === 'classic' || peek !== undefined ? undefined
      : `${type === 'quorum' ? 'It is a quorum queue' : 'Nobody who answers knows the type of this queue'}, and a quorum queue counts each look as a delivery. Say how many to look at (peek).`;
    const tasks = waiting === undefined || waiting === 0 || unseen !== undefined ? [] : await this.dependencies.firstOf(queue, peek ?? DEFAULT_FIRST);
    return { queue, ...(waiting === undefined ? {} : { waiting }), tasks, ...(unseen === undefined ? {} : { unseen }) };
  }

  /** How many wait out a delay on the exchange, by when they are due at the latest. Which they are, no broker shows. */
  async delayed(): Promise<DelayedReport> {
    await this.dependencies.ready();
    const counts = await this.dependencies.delayedWithin(DUE_STEPS_MS);
    return { within: DUE_STEPS_MS.map((withinMs, index) => ({ withinMs, count: counts[index] ?? 0 })), later: counts[DUE_STEPS_MS.length] ?? 0 };
  }

  /**
   * Tasks that failed and are to be tried again, the latest failure first, as far as the processes that live know them:
   * they are delayed, or wait. One whose next attempt has begun or ended is not among them.
   *
   * @throws ConfigurationError for what is no filter
   */
  async retrying(list?: Omit<TaskFilter, 'state'> & ListOptions, options?: InspectOptions): Promise<EndedTaskInfo[]> {
    const { filter, limit } = checkList(list);
    const [failed, ended, running] = await Promise.all([
      this.ask({ kind: 'recent', filter: { ...filter, state: 'retrying' }, limit: MOST }, options), this.ask({ kind: 'recent', filter: narrowed(filter), limit: MOST }, options),
      this.ask({ kind: 'running', filter: narrowed(filter), limit: MOST }, options),
    ]);
    return awaitingRetry(failed, [...ended, ...running]).slice(0, limit);
  }

  /** The schedules of the exchange, as `dispatcher.schedules.list()` tells them, and how the tasks of their last ticks ended. */
  async schedules(options?: InspectOptions): Promise<ScheduleInfo[]> {
    timeoutOf(options);
    const schedules = await this.dependencies.schedules();
    const uuids = tasksOfFirings(schedules);
    return uuids.length === 0 ? schedules : withOutcomes(schedules, await this.ask({ kind: 'firings', uuids, limit: MOST }, options));
  }

  /**
   * The workflows of the exchange, the latest first, as long as they are kept (`workflowsExpireInSeconds`). From the state
   * that processes share: no process has to live for it. One answer looks through some 5,000; `next` of it, given as
   * `after`, goes on from there.
   *
   * @throws ConfigurationError for what is no filter, and what the shared state throws
   */
  workflows(list?: WorkflowFilter): Promise<WorkflowPage> {
    return this.dependencies.workflows(list);
  }

  /**
   * The unique keys that are held, by whom, the windows of `debounce` and `throttle`, and the places of limits that are taken. Keys are those of what runs, and of
   * the last 1,000 tasks that each process published with one: no store can list them. `key` looks up that very one, as
   * it is kept, whoever took it. At most `limit` of each kind.
   *
   * @throws ConfigurationError for what is no filter
   */
  async locks(list?: LocksFilter, options?: InspectOptions): Promise<LockInfo[]> {
    const { name, key, limit } = checkLocks(list);
    const parts = await this.ask({ kind: 'locks', ...(name === undefined ? {} : { filter: { name } }), limit: MOST }, options);
    const { claim } = this.dependencies;
    const locks = await locksReport(key === undefined ? parts : parts.filter((part) => part.key === key), claim, limit);
    if (key === undefined || locks.length > 0) return locks;
    const found = await claim(key);
    return found === undefined ? [] : [claimedLock(key, undefined, found)];
  }

  /**
   * The contract of all tasks that the processes which answer know, without any of their code here. A process of an older
   * version of this library tells nothing of it.
   */
  async contract(options?: InspectOptions): Promise<ContractReport> {
    const answers = await this.answers({ kind: 'contract' }, options);
    return contractReport(this.dependencies.exchange, answers.flatMap(({ items }) => items), answers.some(({ cut, busy }) => cut === true || busy === true));
  }

  private async reportOf(options: InspectOptions | undefined): Promise<QueuesReport> {
    return queuesReport(this.dependencies.queues, await this.ask({ kind: 'queues' }, options));
  }

  private async ask<K extends Kind>(asking: Asking<K>, options: InspectOptions | undefined): Promise<Items[K][]> {
    return (await this.answers(asking, options)).flatMap(({ items }) => items);
  }

  private async answers<K extends Kind>(asking: Asking<K>, options: InspectOptions | undefined): Promise<Answer<K>[]> {
    const timeoutMs = timeoutOf(options);
    await this.dependencies.ready();
    const { asker } = this.dependencies;
    return options?.ownOnly === true ? asker.askOwn(asking) : asker.ask(asking, timeoutMs);
  }

  /** One after the other, until it is found. */
  private async inQueues(uuid: string, queues: readonly QueueInfo[], peek: number | undefined): Promise<Pick<TaskFindings, 'dead' | 'waiting' | 'looked'>> {
    const looked: string[] = [];
    const { dead, waiting } = this.dependencies;
    for (const queue of queues.slice(0, MOST_QUEUES_LOOKED_AT)) {
      const most = peek ?? (queue.type === 'classic' ? DEFAULT_PEEK : 0);
      const isWaiting = (queue.waiting ?? 0) > 0 && most > 0;
      const found = isWaiting ? await waiting(queue.name, uuid, most).catch(() => undefined) : undefined;
      if (isWaiting) looked.push(`the first ${most} of the queue "${queue.name}"`);
      if (found !== undefined) return { waiting: found, dead: undefined, looked };
      if ((queue.dead ?? 0) === 0) continue;
      const letter = await dead(queue.name, uuid).catch(() => undefined);
      looked.push(`the dead letters of "${queue.name}"`);
      if (letter !== undefined) return { waiting: undefined, dead: letter, looked };
    }
    return { waiting: undefined, dead: undefined, looked: ['the processes that answered', ...looked] };
  }
}

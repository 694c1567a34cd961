import { Subject } from 'rxjs';
import type { InspectionFace } from '../../lib/dashboard/inspection.js';
import type { TaskContract } from '../../lib/contract/model.js';
import type { ContractReport } from '../../lib/inspection/contract-report.js';
import type { FollowedEvent } from '../../lib/inspection/following/followed-event.js';
import type { ScheduleInfo, WorkflowInfo, WorkflowPage } from '../../lib/index.js';
import type { ActionInfo, DelayedReport, EndedTaskInfo, FailureGroup, LockInfo, OverviewReport, ProcessInfo, QueueInfo, RunningTaskInfo, TaskInfo, TasksReport, TaskStats, WaitingReport, WaitingTaskInfo } from '../../lib/inspection/model.js';

/** Says whatever a test puts into it, and writes down what it was asked. */
export class ScriptedInspection implements InspectionFace {
  readonly calls: string[] = [];
  processList: ProcessInfo[] = [process()];
  queueList: QueueInfo[] = [queue()];
  runs: RunningTaskInfo[] = [];
  ends: EndedTaskInfo[] = [];
  groups: FailureGroup[] = [];
  lockList: LockInfo[] = [];
  workflowList: WorkflowInfo[] = [];
  scheduleList: ScheduleInfo[] = [];
  found: TaskInfo | undefined;
  /** Set: everything fails with it. */
  failure: Error | undefined;

  processes = (): Promise<ProcessInfo[]> => this.answer('processes', this.processList);
  overview = ({ running }: { running?: number } = {}): Promise<OverviewReport> => this.answer('overview', {
    processes: this.processList, queues: { queues: this.queueList, delayed: 3, undelivered: 1 }, ...(running === undefined ? {} : { running: this.runs }),
  });
  queues = (): Promise<{ queues: QueueInfo[]; delayed: number; undelivered: number }> => this.answer('queues', { queues: this.queueList, delayed: 3, undelivered: 1 });
  recent = (): Promise<EndedTaskInfo[]> => this.answer('recent', this.ends);
  failures = (): Promise<FailureGroup[]> => this.answer('failures', this.groups);
  task = (uuid: string): Promise<TaskInfo> => this.answer('task', this.found ?? { uuid, where: { place: 'unknown', looked: ['here'] }, waitsFor: [], attempts: [], timeline: [] });

  tasks = (): Promise<TasksReport> => this.answer('tasks', { tasks: [{ name: 'add', ...stats() }], overall: stats() });
  /** By their queues. */
  waitingTasks: Readonly<Record<string, readonly WaitingTaskInfo[]>> = {};
  unseen: Readonly<Record<string, string>> = {};
  retries: EndedTaskInfo[] = [];
  waiting = (queue: string, { peek }: { peek?: number } = {}): Promise<WaitingReport> => {
    const unseen = peek === undefined ? this.unseen[queue] : undefined;
    return this.answer(`waiting ${queue} ${peek ?? ''}`, { queue, waiting: 5, ...(unseen === undefined ? { tasks: this.waitingTasks[queue] ?? [] } : { tasks: [], unseen }) });
  };

  delayed = (): Promise<DelayedReport> => this.answer('delayed', { within: [{ withinMs: 10_000, count: 2 }, { withinMs: 60_000, count: 0 }], later: 1 });
  retrying = (): Promise<EndedTaskInfo[]> => this.answer('retrying', this.retries);

  readonly eventStream = new Subject<FollowedEvent>();
  events = (): Subject<FollowedEvent> => this.eventStream;

  actionList: ActionInfo[] = [];
  audit = (): Promise<ActionInfo[]> => this.answer('audit', this.actionList);

  contractTasks: TaskContract[] = [];
  contract = (): Promise<ContractReport> => this.answer('contract', {
    contract: { title: 'tasks', version: '1.0.0', exchange: 'tasks', tasks: this.contractTasks }, differing: [], cut: [], incomplete: false,
  });

  locks = (): Promise<LockInfo[]> => this.answer('locks', this.lockList);

  schedules = (): Promise<ScheduleInfo[]> => this.answer('schedules', this.scheduleList);

  workflows = (): Promise<WorkflowPage> => this.answer('workflows', { workflows: this.workflowList });

  private async answer<T>(call: string, answer: T): Promise<T> {
    this.calls.push(call);
    if (this.failure !== undefined) throw this.failure;
    return answer;
  }
}

export function process(change: Partial<ProcessInfo> = {}): ProcessInfo {
  return {
    id: 'p1', status: 'alive', seenAt: 1_000, host: 'host', pid: 1, role: 'both', versions: { dispatcher: '1.0.0', node: '22.0.0', nest: '12.0.0' }, startedAt: 1_000,
    memory: { rssBytes: 100_000_000, heapBytes: 50_000_000 }, cpu: 0.5, eventLoopLagMs: { p50: 1, p99: 4 }, connection: 'ready', running: [],
    workers: [{
      name: 'worker_1', queue: 'queue_1', limit: 3, running: 1, waiting: 0, paused: false, consuming: true,
      totals: { succeeded: 10, failed: 2, retried: 1, cancelled: 0 }, rate: 1.5, tasks: ['add'],
    }],
    ...change,
  };
}

export function queue(change: Partial<QueueInfo> = {}): QueueInfo {
  return { name: 'queue_1', type: 'classic', waiting: 5, unacknowledged: 1, running: 1, dead: 2, consumers: 1, oldestWaitMs: 8, lastWaitMs: 12, history: [{ at: 60_000, received: 3, succeeded: 2, failed: 1, retried: 0, busyMs: 30 }], ...change };
}

function stats(): TaskStats {
  return { totals: { succeeded: 10, failed: 2, retried: 1, cancelled: 0 }, rate: 1.5, durations: { count: 13, p50Ms: 20, p95Ms: 1_700, p99Ms: 61_000, meanMs: 40, totalMs: 520 }, lastEndedAt: 2_000 };
}

const PLACE = { process: 'p1', host: 'host', pid: 1, worker: 'worker_1', queue: 'queue_1' };

export function run(change: Partial<RunningTaskInfo> = {}): RunningTaskInfo {
  return { ...PLACE, uuid: 'run-1', name: 'add', attempt: 1, startedAt: 1_000, runningMs: 2_000, args: [{ type: 'int', value: 1 }], argsBytes: 10, ...change };
}

export function end(change: Partial<EndedTaskInfo> = {}): EndedTaskInfo {
  return {
    ...PLACE, uuid: 'end-1', name: 'add', attempt: 1, state: 'failed', error: { name: 'Error', message: 'no', stack: 'Error: no\n    at here' }, startedAt: 1_000, endedAt: 2_000, durationMs: 1_000,
    args: [{ type: 'int', value: 1 }], argsBytes: 10, log: [], ...change,
  };
}

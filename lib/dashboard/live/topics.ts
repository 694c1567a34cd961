import type { OverviewReport, ProcessInfo, QueueMinute, QueuesReport } from '../../inspection/model.js';
import type { BrokerState } from '../../index.js';
import type { Bounded, LivePoint, OverviewTopic, ProcessesTopic, QueuesTopic, RunningTopic, ShownProcess } from '../answers.js';
import { LISTED, type Curtain } from '../panel/curtain.js';
import { runOf } from '../panel/shown-task.js';

/** What an open page may be told at most: of 500 processes and their tasks it shows a part, and says so. */
const MOST_PROCESSES = 500;
const MOST_QUEUES = 500;
export const MOST_RUNNING = 300;
const MOST_LAST_RUNS = 20;
const MOST_MINUTES = 60;

/** What inspection has told at one moment; what runs only while a page shows it. */
export interface Snapshot extends OverviewReport {
  readonly at: number;
}

export interface Topics {
  readonly overview: OverviewTopic;
  readonly queues: QueuesTopic;
  readonly processes: ProcessesTopic;
  /** Absent where no page shows it. */
  readonly running?: RunningTopic;
}

export const POLLED_TOPICS = ['overview', 'queues', 'processes', 'running'] as const satisfies readonly (keyof Topics)[];

/** Pure. */
export function topicsOf({ processes, queues, running }: Snapshot, state: BrokerState, points: readonly LivePoint[], problem: string | undefined, curtain: Curtain): Topics {
  const sum = (of: (queue: QueuesReport['queues'][number]) => number | undefined): number => queues.queues.reduce((total, queue) => total + (of(queue) ?? 0), 0);
  const runs = Math.max(running?.length ?? 0, sum((queue) => queue.running));
  return {
    overview: {
      connection: { status: state.status, since: state.since, ...(state.cause === undefined ? {} : { cause: state.cause.message }) },
      ...(problem === undefined ? {} : { problem }),
      waiting: sum(({ waiting }) => waiting), dead: sum(({ dead }) => dead), unacknowledged: sum(({ unacknowledged }) => unacknowledged),
      delayed: queues.delayed, undelivered: queues.undelivered, running: runs,
      processes: { alive: processes.filter(({ status }) => status === 'alive').length, lost: processes.filter(({ status }) => status === 'lost').length },
      workers: processes.reduce((total, { status, workers }) => total + (status === 'alive' ? workers.length : 0), 0),
      paused: queues.queues.filter(({ pause }) => pause !== undefined).length,
      minutes: minutesOf(queues), points,
    },
    queues: { ...bounded(queues.queues, MOST_QUEUES, (queue) => queue), delayed: queues.delayed, undelivered: queues.undelivered },
    processes: bounded(processes, MOST_PROCESSES, (process) => processOf(process, curtain)),
    ...(running === undefined ? {} : { running: { rows: running.slice(0, MOST_RUNNING).map((run) => runOf(run, curtain, LISTED)), total: runs } }),
  };
}

/** What a living one runs is told of all together. */
function processOf({ running, ...process }: ProcessInfo, curtain: Curtain): ShownProcess {
  return { ...process, running: process.status === 'lost' ? running.slice(0, MOST_LAST_RUNS).map((run) => runOf(run, curtain, LISTED)) : [] };
}

function bounded<Found, Row>(found: readonly Found[], most: number, row: (found: Found) => Row): Bounded<Row> {
  return { rows: found.slice(0, most).map(row), total: found.length };
}

/** Of all queues together: minutes begin at the same instants everywhere. */
function minutesOf({ queues }: QueuesReport): QueueMinute[] {
  const sums = new Map<number, QueueMinute>();
  for (const minute of queues.flatMap(({ history }) => history)) {
    const { at } = minute;
    const { received = 0, succeeded = 0, failed = 0, retried = 0, busyMs = 0 } = sums.get(at) ?? {};
    sums.set(at, {
      at, received: received + minute.received, succeeded: succeeded + minute.succeeded, failed: failed + minute.failed,
      retried: retried + minute.retried, busyMs: busyMs + minute.busyMs,
    });
  }
  return [...sums.values()].sort((a, b) => a.at - b.at).slice(-MOST_MINUTES);
}

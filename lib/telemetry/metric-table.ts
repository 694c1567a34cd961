/** What a metric is told by: the names of OpenTelemetry, from which those of Prometheus are made. */
export const Label = {
  dispatcher: 'dispatcher.name',
  destination: 'messaging.destination.name',
  operation: 'messaging.operation.name',
  task: 'dispatcher.task.name',
  worker: 'dispatcher.worker.name',
  outcome: 'dispatcher.outcome',
  reason: 'dispatcher.reason',
  error: 'error.type',
  schedule: 'dispatcher.schedule.name',
} as const;

export type LabelName = (typeof Label)[keyof typeof Label];

export interface MetricDefinition {
  readonly name: string;
  readonly kind: 'counter' | 'histogram' | 'gauge';
  /** As OpenTelemetry writes units: seconds, 1, or what is counted in braces. */
  readonly unit: 's' | '1' | `{${string}}`;
  readonly help: string;
  /** Beside `dispatcher`, which all have. */
  readonly labels: readonly LabelName[];
  /** Bounds in seconds, of histograms. */
  readonly buckets?: readonly number[];
}

/** Those that the conventions advise, and more of them: tasks may take minutes. */
export const DURATION_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300, 1_800];
const WAIT_BUCKETS: readonly number[] = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400];

const { destination, operation, task, worker, outcome, reason, error, schedule } = Label;

/** All that is told, to OpenTelemetry and to Prometheus. */
export const METRICS = {
  sent: { name: 'messaging.client.sent.messages', kind: 'counter', unit: '{message}', labels: [destination, operation, task, error], help: 'Tasks that were published, steps of workflows and ticks of schedules among them; with error.type those that were not.' },
  sendDuration: { name: 'messaging.client.operation.duration', kind: 'histogram', unit: 's', labels: [destination, operation, error], buckets: DURATION_BUCKETS, help: 'How long the broker took to take a task.' },
  consumed: { name: 'messaging.client.consumed.messages', kind: 'counter', unit: '{message}', labels: [destination, operation, task], help: 'Attempts that were started.' },
  processDuration: { name: 'messaging.process.duration', kind: 'histogram', unit: 's', labels: [destination, operation, task, error], buckets: DURATION_BUCKETS, help: 'How long attempts took that succeeded or failed, from when the worker took them up.' },
  age: { name: 'dispatcher.task.wait', kind: 'histogram', unit: 's', labels: [destination, task], buckets: WAIT_BUCKETS, help: 'How long tasks had waited when their first attempt was started, since they were published or due.' },
  outcomes: { name: 'dispatcher.task.outcomes', kind: 'counter', unit: '{task}', labels: [destination, task, outcome, reason], help: 'What became of tasks: succeeded, retried, dead, cancelled, expired, dropped, returned. The reason is that of a dead letter.' },
  running: { name: 'dispatcher.worker.running', kind: 'gauge', unit: '{task}', labels: [worker, destination], help: 'Slots of a worker that are taken.' },
  held: { name: 'dispatcher.worker.held', kind: 'gauge', unit: '{task}', labels: [worker, destination], help: 'Tasks that were delivered to a worker and wait in the process for a slot.' },
  limit: { name: 'dispatcher.worker.limit', kind: 'gauge', unit: '{task}', labels: [worker, destination], help: 'Slots of a worker.' },
  consuming: { name: 'dispatcher.worker.consuming', kind: 'gauge', unit: '1', labels: [worker, destination], help: '1 where a worker consumes its queue.' },
  depth: { name: 'dispatcher.queue.depth', kind: 'gauge', unit: '{task}', labels: [destination], help: 'Tasks that wait in a queue, all its levels together. Of the broker: each process tells the same.' },
  dead: { name: 'dispatcher.queue.dead', kind: 'gauge', unit: '{task}', labels: [destination], help: 'Dead letters of a queue. Of the broker: each process tells the same.' },
  paused: { name: 'dispatcher.queue.paused', kind: 'gauge', unit: '1', labels: [destination], help: '1 where somebody has paused a queue.' },
  delayed: { name: 'dispatcher.delayed', kind: 'gauge', unit: '{task}', labels: [], help: 'Tasks of the exchange that wait out a delay, retries among them.' },
  undelivered: { name: 'dispatcher.undelivered', kind: 'gauge', unit: '{task}', labels: [], help: 'Delayed tasks of the exchange that no queue took when they were due.' },
  connected: { name: 'dispatcher.broker.connected', kind: 'gauge', unit: '1', labels: [], help: '1 while there is a connection to the broker.' },
  losses: { name: 'dispatcher.broker.connection.losses', kind: 'counter', unit: '{loss}', labels: [], help: 'How often the connection to the broker was lost.' },
  loopDelay: { name: 'dispatcher.event_loop.delay', kind: 'gauge', unit: 's', labels: [], help: 'How late the event loop was for 1 in 100 turns since this was last asked.' },
  circuits: { name: 'dispatcher.circuit.openings', kind: 'counter', unit: '{opening}', labels: [worker], help: 'How often a circuit breaker opened.' },
  ticks: { name: 'dispatcher.schedule.ticks', kind: 'counter', unit: '{tick}', labels: [schedule, outcome], help: 'Ticks of schedules: fired by this process, failed, missed by all.' },
  workflows: { name: 'dispatcher.workflow.outcomes', kind: 'counter', unit: '{workflow}', labels: [outcome], help: 'Workflows that have succeeded, failed or were cancelled.' },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricKey = keyof typeof METRICS;
export type KeyOf<Kind extends MetricDefinition['kind']> = { [Key in MetricKey]: (typeof METRICS)[Key]['kind'] extends Kind ? Key : never }[MetricKey];

/** By its key, with the bounds that were asked for in place of those of durations. */
export function definitionOf(key: MetricKey, durationBuckets: readonly number[] = DURATION_BUCKETS): MetricDefinition {
  const definition: MetricDefinition = METRICS[key];
  return definition.buckets === DURATION_BUCKETS ? { ...definition, buckets: durationBuckets } : definition;
}

/** Values of labels; those that are left out are not there. */
export type LabelValues = Readonly<Partial<Record<LabelName, string>>>;

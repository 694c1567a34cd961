import type { DispatcherEvent, EventOf } from '../index.js';
import { errorType } from './error-type.js';
import type { MetricSink } from './metric-sink.js';
import { type KeyOf, Label, type LabelValues } from './metric-table.js';
import type { BoundedNames } from './bounded-names.js';

/** What is counted. */
export const COUNTED = [
  'task.published', 'task.publish-failed', 'task.started', 'task.succeeded', 'task.failed', 'task.timed-out', 'task.retrying', 'task.dead-lettered', 'task.cancelled',
  'task.expired', 'task.dropped', 'task.returned', 'broker.connection-lost', 'circuit.opened', 'schedule.fired', 'schedule.failed', 'schedule.missed',
  'workflow.succeeded', 'workflow.failed', 'workflow.cancelled',
] as const satisfies readonly DispatcherEvent['type'][];

export type CountedEvent = EventOf<(typeof COUNTED)[number]>;
type Task = EventOf<'task.started'>['task'];

const MS = 1_000;
const NO_TASK = 'none';

/** Makes numbers of the events of one dispatcher. Called for every task: as little as can be. */
export class MetricRecorder {
  /** @param exchange of which destinations are told with their routing keys */
  constructor(private readonly sink: MetricSink, private readonly names: BoundedNames, private readonly dispatcher: string, private readonly exchange: string) {}

  told(event: CountedEvent): void {
    switch (event.type) {
      case 'task.published': return this.sent(event, undefined);
      case 'task.publish-failed': return this.sent(event, event.error);
      case 'task.started': return this.started(event);
      case 'task.succeeded': return this.succeeded(event);
      case 'task.failed': case 'task.timed-out': return this.record('processDuration', { ...processOf(event.task), [Label.error]: errorType(event.error) }, event.durationMs);
      case 'task.retrying': return this.ended(event.task, 'retried');
      case 'task.dead-lettered': return this.ended(event.task, 'dead', event.reason);
      case 'task.cancelled': return this.ended(event.task, 'cancelled');
      case 'task.expired': return this.ended(event.task, 'expired');
      case 'task.dropped': return this.ended(event.task, 'dropped');
      case 'task.returned': return this.ended(event.task, 'returned');
      default: return this.toldOfSystem(event);
    }
  }

  private toldOfSystem(event: Exclude<CountedEvent, { readonly type: `task.${string}` }>): void {
    switch (event.type) {
      case 'broker.connection-lost': return this.add('losses', {});
      case 'circuit.opened': return this.add('circuits', { [Label.worker]: event.worker });
      case 'schedule.fired': return this.add('ticks', { [Label.schedule]: event.schedule, [Label.outcome]: 'fired' });
      case 'schedule.failed': return this.add('ticks', { [Label.schedule]: event.schedule, [Label.outcome]: 'failed' });
      case 'schedule.missed': return this.add('ticks', { [Label.schedule]: event.schedule, [Label.outcome]: 'missed' }, event.count);
      default: return this.add('workflows', { [Label.outcome]: event.type.slice('workflow.'.length) });
    }
  }

  private sent({ task, routingKey, durationMs }: EventOf<'task.published' | 'task.publish-failed'>, error: unknown): void {
    const to = { [Label.destination]: `${this.exchange}:${routingKey}`, [Label.operation]: 'send', ...(error === undefined ? {} : { [Label.error]: errorType(error) }) };
    this.add('sent', { ...to, [Label.task]: task.name });
    this.record('sendDuration', to, durationMs);
  }

  private started({ task, waitedMs }: EventOf<'task.started'>): void {
    this.add('consumed', processOf(task));
    if (waitedMs !== undefined) this.record('age', { [Label.destination]: task.queue, [Label.task]: task.name }, waitedMs);
  }

  private succeeded({ task, durationMs }: EventOf<'task.succeeded'>): void {
    this.record('processDuration', processOf(task), durationMs);
    this.ended(task, 'succeeded');
  }

  private ended({ name, queue }: Task, outcome: string, reason?: string): void {
    // What could not be read has no name.
    const task = name === '' ? NO_TASK : name;
    this.add('outcomes', { [Label.destination]: queue, [Label.task]: task, [Label.outcome]: outcome, ...(reason === undefined ? {} : { [Label.reason]: reason }) });
  }

  private add(metric: KeyOf<'counter'>, labels: LabelValues, count = 1): void {
    this.sink.add(metric, this.names.of({ ...labels, [Label.dispatcher]: this.dispatcher }), count);
  }

  private record(metric: KeyOf<'histogram'>, labels: LabelValues, milliseconds: number): void {
    this.sink.record(metric, this.names.of({ ...labels, [Label.dispatcher]: this.dispatcher }), milliseconds / MS);
  }
}

function processOf({ name, queue }: Task): LabelValues {
  return { [Label.destination]: queue, [Label.operation]: 'process', [Label.task]: name };
}

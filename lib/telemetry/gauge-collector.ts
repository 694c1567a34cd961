import type { DispatcherService, QueuesReport } from '../index.js';
import { clock } from '../time/clock.js';
import { within } from '../time/within.js';
import type { BoundedNames } from './bounded-names.js';
import { LoopDelay } from './loop-delay.js';
import type { GaugeSample } from './metric-sink.js';
import { type KeyOf, Label, type LabelValues } from './metric-table.js';

/** What is asked again so soon has the same answer: the gauges of one collection ask one after the other. */
const FRESH_MS = 500;

export interface CollectorOptions {
  /** Whether the broker is asked how many wait. */
  readonly queues: boolean;
  /** For how long it is waited for that. */
  readonly limitMs: number;
}

/**
 * What is now: asked for while somebody collects, and once for each collection. Never hangs and never fails: what cannot
 * be had in time, or while the broker is away, is not there.
 */
export class GaugeCollector {
  private readonly loop = new LoopDelay();
  /** Of dispatchers whose broker has not answered yet: not asked again meanwhile. */
  private readonly asking = new Set<string>();
  private latest: { readonly samples: Promise<readonly GaugeSample[]>; endedAt?: number } | undefined;

  constructor(
    private readonly dispatchers: readonly { readonly name: string; readonly service: DispatcherService }[], private readonly names: BoundedNames,
    private readonly options: CollectorOptions,
  ) {}

  collect(): Promise<readonly GaugeSample[]> {
    if (this.latest !== undefined && (this.latest.endedAt === undefined || clock.elapsed() - this.latest.endedAt < FRESH_MS)) return this.latest.samples;
    const latest: NonNullable<typeof this.latest> = { samples: this.ask().finally(() => { latest.endedAt = clock.elapsed(); }) };
    this.latest = latest;
    return latest.samples;
  }

  stop(): void {
    this.loop.stop();
  }

  private async ask(): Promise<readonly GaugeSample[]> {
    const delay = this.loop.read();
    const all = await Promise.all(this.dispatchers.map(async ({ name, service }) => [
      sample('loopDelay', delay, {}), ...ofProcess(service), ...await this.ofBroker(name, service),
    ].map(({ metric, value, labels }) => ({ metric, value, labels: this.names.of({ ...labels, [Label.dispatcher]: name }) }))));
    return all.flat();
  }

  private async ofBroker(name: string, service: DispatcherService): Promise<GaugeSample[]> {
    if (!this.options.queues || service.state.status !== 'ready' || this.asking.has(name)) return [];
    this.asking.add(name);
    const answer = service.inspect.queues({ ownOnly: true }).then(ofQueues, () => []).finally(() => this.asking.delete(name));
    return await within(this.options.limitMs, answer) ?? [];
  }
}

function ofProcess(service: DispatcherService): GaugeSample[] {
  const { status } = service.state;
  return [
    sample('connected', status === 'ready' || status === 'blocked' ? 1 : 0, {}),
    ...service.health().details.workers.flatMap(({ name, queue, consuming }) => {
      const { activity, limit } = service.worker(name);
      const labels = { [Label.worker]: name, [Label.destination]: queue };
      return [sample('running', activity.running, labels), sample('held', activity.waiting, labels), sample('limit', limit, labels), sample('consuming', consuming ? 1 : 0, labels)];
    }),
  ];
}

function ofQueues({ queues, delayed, undelivered }: QueuesReport): GaugeSample[] {
  return [
    sample('delayed', delayed, {}), sample('undelivered', undelivered, {}),
    ...queues.flatMap(({ name, waiting, dead, pause }) => {
      const labels = { [Label.destination]: name };
      return [
        ...(waiting === undefined ? [] : [sample('depth', waiting, labels)]), sample('dead', dead ?? 0, labels), sample('paused', pause === undefined ? 0 : 1, labels),
      ];
    }),
  ];
}

function sample(metric: KeyOf<'gauge'>, value: number, labels: LabelValues): GaugeSample {
  return { metric, value, labels };
}

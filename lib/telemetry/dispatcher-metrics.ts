import type { DispatcherService } from '../index.js';
import { BoundedNames } from './bounded-names.js';
import { GaugeCollector } from './gauge-collector.js';
import type { CheckedMetricOptions } from './metric-options.js';
import { COUNTED, MetricRecorder } from './metric-recorder.js';
import type { GaugeSample, MetricSink } from './metric-sink.js';

/** The metrics of some dispatchers: what happens goes to a sink from now on, what is now is asked for by who collects. */
export class DispatcherMetrics {
  private readonly collector: GaugeCollector;

  /** Before the dispatchers start. */
  constructor(dispatchers: readonly { readonly name: string; readonly service: DispatcherService }[], sink: MetricSink, options: CheckedMetricOptions) {
    const names = new BoundedNames(options.mostNames);
    this.collector = new GaugeCollector(dispatchers, names, { queues: options.queues, limitMs: options.collectTimeoutMs });
    for (const { name, service } of dispatchers) {
      service.use({ stampPublished: true });
      const recorder = new MetricRecorder(sink, names, name, service.destination.exchange);
      service.events({ type: COUNTED }).subscribe((event) => recorder.told(event));
    }
  }

  collect(): Promise<readonly GaugeSample[]> {
    return this.collector.collect();
  }

  stop(): void {
    this.collector.stop();
  }
}

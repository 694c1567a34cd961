import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { GaugeSample, MetricSink } from '../telemetry/metric-sink.js';
import { definitionOf, type KeyOf, Label, type LabelValues, METRICS, type MetricDefinition, type MetricKey } from '../telemetry/metric-table.js';
import { prometheusName, underscored } from './prometheus-name.js';

/** All metrics of the table in a registry. */
export class PrometheusMetrics implements MetricSink {
  private readonly counters = new Map<MetricKey, Counter>();
  private readonly histograms = new Map<MetricKey, Histogram>();
  private readonly labelNames = new Map<string, string>();

  /**
   * @param collect asked by the gauges whenever somebody reads the registry; never rejects
   * @throws Error of prom-client where the registry has a metric of one of the names
   */
  constructor(private readonly registry: Registry, durationBuckets: readonly number[], private readonly collect: () => Promise<readonly GaugeSample[]>) {
    for (const key of Object.keys(METRICS) as MetricKey[]) this.make(key, definitionOf(key, durationBuckets));
  }

  add(metric: KeyOf<'counter'>, labels: LabelValues, count = 1): void {
    this.counters.get(metric)?.inc(this.written(labels), count);
  }

  record(metric: KeyOf<'histogram'>, labels: LabelValues, value: number): void {
    this.histograms.get(metric)?.observe(this.written(labels), value);
  }

  /** The registry may be an application's own, and live on. */
  remove(): void {
    for (const key of Object.keys(METRICS) as MetricKey[]) this.registry.removeSingleMetric(prometheusName(definitionOf(key)));
  }

  private make(key: MetricKey, definition: MetricDefinition): void {
    const { kind, help, labels, buckets = [] } = definition;
    const common = { name: prometheusName(definition), help, labelNames: [Label.dispatcher, ...labels].map(underscored), registers: [this.registry] };
    if (kind === 'counter') this.counters.set(key, new Counter(common));
    else if (kind === 'histogram') this.histograms.set(key, new Histogram({ ...common, buckets: [...buckets] }));
    else this.makeGauge(key as KeyOf<'gauge'>, common);
  }

  private makeGauge(key: KeyOf<'gauge'>, common: ConstructorParameters<typeof Gauge>[0]): void {
    const samples = async (): Promise<readonly GaugeSample[]> => (await this.collect()).filter(({ metric }) => metric === key);
    const write = (labels: LabelValues): Record<string, string> => this.written(labels);
    new Gauge({
      ...common,
      async collect() {
        const found = await samples();
        // What is not there any more is not shown as it was.
        this.reset();
        for (const { labels, value } of found) this.set(write(labels), value);
      },
    });
  }

  private written(labels: LabelValues): Record<string, string> {
    const written: Record<string, string> = {};
    for (const name in labels) {
      let label = this.labelNames.get(name);
      if (label === undefined) this.labelNames.set(name, (label = underscored(name)));
      written[label] = labels[name as keyof LabelValues] as string;
    }
    return written;
  }
}

import { type Attributes, type BatchObservableCallback, type Counter, type Histogram, type Meter, type ObservableGauge } from '@opentelemetry/api';
import type { DispatcherDestination } from '../../index.js';
import type { GaugeSample, MetricSink } from '../../telemetry/metric-sink.js';
import { definitionOf, type KeyOf, Label, type LabelValues, METRICS, type MetricDefinition, type MetricKey } from '../../telemetry/metric-table.js';
import { Name } from '../tracing/attributes.js';

/** All metrics of the table as instruments of a meter. */
export class MeterMetrics implements MetricSink {
  private readonly counters = new Map<MetricKey, Counter>();
  private readonly histograms = new Map<MetricKey, Histogram>();
  private readonly gauges = new Map<MetricKey, ObservableGauge>();
  /** Once for each collection, for all gauges together. */
  private readonly observe: BatchObservableCallback;

  /**
   * @param systems the destination of each dispatcher by its name: which messaging system it is
   * @param collect asked whenever somebody collects; never rejects
   */
  constructor(
    private readonly meter: Meter, durationBuckets: readonly number[], private readonly systems: ReadonlyMap<string, DispatcherDestination>, collect: () => Promise<readonly GaugeSample[]>,
  ) {
    for (const key of Object.keys(METRICS) as MetricKey[]) this.make(key, definitionOf(key, durationBuckets));
    this.observe = async (result) => {
      for (const { metric, labels, value } of await collect()) {
        const gauge = this.gauges.get(metric);
        if (gauge !== undefined) result.observe(gauge, value, this.attributes(labels));
      }
    };
    meter.addBatchObservableCallback(this.observe, [...this.gauges.values()]);
  }

  add(metric: KeyOf<'counter'>, labels: LabelValues, count = 1): void {
    this.counters.get(metric)?.add(count, this.attributes(labels));
  }

  record(metric: KeyOf<'histogram'>, labels: LabelValues, value: number): void {
    this.histograms.get(metric)?.record(value, this.attributes(labels));
  }

  stop(): void {
    this.meter.removeBatchObservableCallback(this.observe, [...this.gauges.values()]);
  }

  private make(key: MetricKey, { name, kind, unit, help, buckets = [] }: MetricDefinition): void {
    const options = { unit, description: help };
    if (kind === 'counter') this.counters.set(key, this.meter.createCounter(name, options));
    else if (kind === 'histogram') this.histograms.set(key, this.meter.createHistogram(name, { ...options, advice: { explicitBucketBoundaries: [...buckets] } }));
    else this.gauges.set(key, this.meter.createObservableGauge(name, options));
  }

  private attributes(labels: LabelValues): Attributes {
    const destination = this.systems.get(labels[Label.dispatcher] ?? '');
    if (destination === undefined) return labels;
    const { system, host, port } = destination;
    return { ...labels, [Name.system]: system, [Name.serverAddress]: host, [Name.serverPort]: port };
  }
}

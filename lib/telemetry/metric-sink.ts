import type { KeyOf, LabelValues } from './metric-table.js';

/** Where what is counted goes: OpenTelemetry, Prometheus. */
export interface MetricSink {
  add(metric: KeyOf<'counter'>, labels: LabelValues, count?: number): void;
  /** In seconds. */
  record(metric: KeyOf<'histogram'>, labels: LabelValues, value: number): void;
}

/** What a gauge shows at the moment. */
export interface GaugeSample {
  readonly metric: KeyOf<'gauge'>;
  readonly labels: LabelValues;
  readonly value: number;
}

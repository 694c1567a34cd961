import type { MetricDefinition } from '../telemetry/metric-table.js';

/** A name of OpenTelemetry as Prometheus writes it, with its unit; the same that a collector makes of it. */
export function prometheusName({ name, kind, unit }: MetricDefinition): string {
  return `${underscored(name)}${unit === 's' ? '_seconds' : ''}${kind === 'counter' ? '_total' : ''}`;
}

export function underscored(name: string): string {
  return name.replaceAll('.', '_');
}

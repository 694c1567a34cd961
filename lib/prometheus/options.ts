import { Registry } from 'prom-client';
import { checkDispatchers, checkMetricOptions, type CheckedMetricOptions, type MetricOptions, refuseUnknown, wrong } from '../telemetry/metric-options.js';

/** @publicApi */
export interface PrometheusOptions extends MetricOptions {
  /** The names of the dispatchers that are measured. Default: all of the application. */
  dispatchers?: string[];
  /** Where the metrics are kept, such as prom-client's `register`, which you serve yourself. Default: a registry of its own. */
  registry?: Registry;
  /** Where a controller serves the registry, or `false` for none. Default: `metrics`; with a `registry` of yours `false`. */
  path?: string | false;
}

export interface CheckedPrometheusOptions extends CheckedMetricOptions {
  readonly dispatchers: readonly string[] | undefined;
  readonly registry: Registry;
  readonly path: string | undefined;
}

const OF = 'DispatcherPrometheusModule.forRoot';
const KNOWN: readonly (keyof PrometheusOptions)[] = ['dispatchers', 'registry', 'path', 'queues', 'collectTimeoutMs', 'mostNames', 'durationBuckets'];

/** @throws ConfigurationError */
export function checkPrometheusOptions(options: PrometheusOptions): CheckedPrometheusOptions {
  refuseUnknown(options, KNOWN, OF);
  const { dispatchers, registry, path = registry === undefined ? 'metrics' : false } = options;
  checkDispatchers(dispatchers, OF);
  if (registry !== undefined && !isRegistry(registry)) throw wrong('registry', OF, "a Registry of prom-client, such as its `register`", typeof registry);
  if (path !== false && (typeof path !== 'string' || path === '')) throw wrong('path', OF, "a path such as 'metrics', or false", path);
  return { ...checkMetricOptions(options, OF), dispatchers, registry: registry ?? new Registry(), path: path === false ? undefined : path };
}

/** By what it can do: there may be two prom-clients. */
function isRegistry(value: unknown): boolean {
  const { registerMetric, removeSingleMetric } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Registry>;
  return typeof registerMetric === 'function' && typeof removeSingleMetric === 'function';
}

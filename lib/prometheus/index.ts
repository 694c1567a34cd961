export { DispatcherPrometheusModule } from './dispatcher-prometheus.module.js';
export { DISPATCHER_REGISTRY } from './metrics.controller.js';
export type { PrometheusOptions } from './options.js';
export type { MetricOptions } from '../telemetry/metric-options.js';

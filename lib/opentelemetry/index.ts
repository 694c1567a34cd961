export { DispatcherOpenTelemetryModule } from './dispatcher-opentelemetry.module.js';
export type { OpenTelemetryOptions, TracedTask } from './options.js';

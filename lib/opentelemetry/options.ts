import type { Attributes } from '@opentelemetry/api';
import { checkDispatchers, checkMetricOptions, type CheckedMetricOptions, type MetricOptions, refuseUnknown, wrong } from '../telemetry/metric-options.js';

/** What an attribute is asked for: a task that is sent or run. @publicApi */
export interface TracedTask {
  readonly uuid: string;
  readonly name: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** @publicApi */
export interface OpenTelemetryOptions extends MetricOptions {
  /** The names of the dispatchers that are observed. Default: all of the application. */
  dispatchers?: string[];
  /** Spans, and the trace context in headers. Default: true, where an SDK for traces is registered. */
  traces?: boolean;
  /** Metrics. Default: true, where an SDK for metrics is registered. */
  metrics?: boolean;
  /**
   * After which the spans are named: `destination`, as the conventions have it (`process mail`, by the queue), or `task`
   * (`process mail.send`). Default: `destination`.
   */
  spanNames?: 'destination' | 'task';
  /** More attributes for the spans `send` and `process`. What it throws is ignored. Default: none. */
  attributes?: (task: TracedTask) => Attributes;
}

export type CheckedOptions = CheckedMetricOptions & Required<Pick<OpenTelemetryOptions, 'traces' | 'metrics' | 'spanNames'>> & Pick<OpenTelemetryOptions, 'dispatchers' | 'attributes'>;

const OF = 'DispatcherOpenTelemetryModule.forRoot';
const KNOWN: readonly (keyof OpenTelemetryOptions)[] = ['dispatchers', 'traces', 'metrics', 'spanNames', 'attributes', 'queues', 'collectTimeoutMs', 'mostNames', 'durationBuckets'];

/** @throws ConfigurationError */
export function checkOptions(options: OpenTelemetryOptions): CheckedOptions {
  refuseUnknown(options, KNOWN, OF);
  const { dispatchers, traces = true, metrics = true, spanNames = 'destination', attributes } = options;
  checkDispatchers(dispatchers, OF);
  if (typeof traces !== 'boolean') throw wrong('traces', OF, 'true or false', traces);
  if (typeof metrics !== 'boolean') throw wrong('metrics', OF, 'true or false', metrics);
  if (!['destination', 'task'].includes(spanNames)) throw wrong('spanNames', OF, "'destination' or 'task'", spanNames);
  if (attributes !== undefined && typeof attributes !== 'function') throw wrong('attributes', OF, 'a function that returns an object', attributes);
  return { ...checkMetricOptions(options, OF), traces, metrics, spanNames, ...(dispatchers === undefined ? {} : { dispatchers }), ...(attributes === undefined ? {} : { attributes }) };
}

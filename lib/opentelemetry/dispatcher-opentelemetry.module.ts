import { Inject, Logger, Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { metrics, trace } from '@opentelemetry/api';
import { ConfigurationError, type DispatcherService } from '../index.js';
import { observedDispatchers, type ObservedDispatcher, putFirst } from '../nest/observed-dispatchers.js';
import { DispatcherMetrics } from '../telemetry/dispatcher-metrics.js';
import { MeterMetrics } from './metrics/meter-metrics.js';
import { checkOptions, type CheckedOptions, type OpenTelemetryOptions } from './options.js';
import { hasMeterSdk, hasTracerSdk, SCOPE } from './registered-sdk.js';
import { ATTEMPT_EVENTS, ProcessSpans } from './tracing/process-spans.js';
import { sendSpans } from './tracing/send-spans.js';

const OPTIONS = Symbol('DispatcherOpenTelemetryModule options');
const observed = new WeakSet<DispatcherService>();

/**
 * Spans of what the application's dispatchers send and run, and metrics, by the OpenTelemetry SDK that the application has registered;
 * without one nothing is done, and nothing costs anything:
 *
 *     imports: [DispatcherModule.forRoot({ ... }), DispatcherOpenTelemetryModule.forRoot()]
 *
 * @publicApi
 */
@Module({})
export class DispatcherOpenTelemetryModule implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('DispatcherOpenTelemetry');
  private metrics: DispatcherMetrics | undefined;
  private meters: MeterMetrics | undefined;

  /** @throws ConfigurationError for what cannot work */
  static forRoot(options: OpenTelemetryOptions = {}): DynamicModule {
    return { module: DispatcherOpenTelemetryModule, providers: [{ provide: OPTIONS, useValue: checkOptions(options) }] };
  }

  constructor(
    @Inject(OPTIONS) private readonly options: CheckedOptions, @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly container: ModulesContainer,
  ) {
    putFirst(container, OPTIONS, options);
  }

  /** Before anybody else's, so that what others publish when they start is seen too. */
  onModuleInit(): void {
    const dispatchers = observedDispatchers({ container: this.container, moduleRef: this.moduleRef, wanted: this.options.dispatchers, module: 'DispatcherOpenTelemetryModule' });
    for (const { name, service } of dispatchers) observeOnce(name, service);
    const { traces, metrics: measures } = this.options;
    const wanted = [...(traces ? [{ what: 'spans', isTaken: hasTracerSdk() }] : []), ...(measures ? [{ what: 'metrics', isTaken: hasMeterSdk() }] : [])];
    const missing = wanted.filter(({ isTaken }) => !isTaken).map(({ what }) => what);
    if (missing.length > 0) this.logger.log(`No OpenTelemetry SDK for ${missing.join(' and ')} is registered: none are made. Register one before the application is created, or switch them off.`);
    if (wanted.some(({ what, isTaken }) => what === 'spans' && isTaken)) for (const { name, service } of dispatchers) this.traceDispatcher(name, service);
    if (wanted.some(({ what, isTaken }) => what === 'metrics' && isTaken) && dispatchers.length > 0) this.measure(dispatchers);
  }

  onApplicationShutdown(): void {
    this.metrics?.stop();
    this.meters?.stop();
  }

  private measure(dispatchers: readonly ObservedDispatcher[]): void {
    const destinations = new Map(dispatchers.map(({ name, service }) => [name, service.destination]));
    this.meters = new MeterMetrics(metrics.getMeter(SCOPE), this.options.durationBuckets, destinations, () => this.metrics?.collect() ?? Promise.resolve([]));
    this.metrics = new DispatcherMetrics(dispatchers, this.meters, this.options);
  }

  private traceDispatcher(name: string, service: DispatcherService): void {
    const tracer = trace.getTracer(SCOPE);
    const process = new ProcessSpans(tracer, name, service.destination, this.options);
    service.use({ publish: sendSpans(tracer, name, service.destination, this.options), run: process.middleware, batch: process.batch });
    service.events({ type: ATTEMPT_EVENTS }).subscribe((event) => process.told(event));
  }
}

function observeOnce(name: string, service: DispatcherService): void {
  if (observed.has(service)) throw new ConfigurationError(`DispatcherOpenTelemetryModule is imported twice for the dispatcher "${name}", of which all would be told twice. Import it once, or give each its dispatchers.`, { dispatcher: name });
  observed.add(service);
}

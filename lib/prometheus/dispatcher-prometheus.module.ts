import { Inject, Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { observedDispatchers, putFirst } from '../nest/observed-dispatchers.js';
import { DispatcherMetrics } from '../telemetry/dispatcher-metrics.js';
import type { GaugeSample } from '../telemetry/metric-sink.js';
import { DISPATCHER_REGISTRY, metricsController } from './metrics.controller.js';
import { checkPrometheusOptions, type CheckedPrometheusOptions, type PrometheusOptions } from './options.js';
import { PrometheusMetrics } from './prometheus-metrics.js';

const OPTIONS = Symbol('DispatcherPrometheusModule options');
const NOTHING: readonly GaugeSample[] = [];

/**
 * Metrics of the application's dispatchers for Prometheus, by prom-client, served at `/metrics`:
 *
 *     imports: [DispatcherModule.forRoot({ ... }), DispatcherPrometheusModule.forRoot()]
 *
 * With `registry` they are put into one of yours, which you serve. `@Inject(DISPATCHER_REGISTRY)` is the registry.
 *
 * @publicApi
 */
@Module({})
export class DispatcherPrometheusModule implements OnModuleInit, OnApplicationShutdown {
  private metrics: DispatcherMetrics | undefined;
  private written: PrometheusMetrics | undefined;

  /** @throws ConfigurationError for what cannot work */
  static forRoot(options: PrometheusOptions = {}): DynamicModule {
    const checked = checkPrometheusOptions(options);
    return {
      module: DispatcherPrometheusModule, providers: [{ provide: OPTIONS, useValue: checked }, { provide: DISPATCHER_REGISTRY, useValue: checked.registry }], exports: [DISPATCHER_REGISTRY],
      controllers: checked.path === undefined ? [] : [metricsController(checked.path)],
    };
  }

  constructor(
    @Inject(OPTIONS) private readonly options: CheckedPrometheusOptions, @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly container: ModulesContainer,
  ) {
    putFirst(container, OPTIONS, options);
  }

  onModuleInit(): void {
    const { container, moduleRef, options } = this;
    const dispatchers = observedDispatchers({ container, moduleRef, wanted: options.dispatchers, module: 'DispatcherPrometheusModule' });
    if (dispatchers.length === 0) return;
    this.written = new PrometheusMetrics(options.registry, options.durationBuckets, () => this.metrics?.collect() ?? Promise.resolve(NOTHING));
    this.metrics = new DispatcherMetrics(dispatchers, this.written, options);
  }

  onApplicationShutdown(): void {
    this.metrics?.stop();
    this.written?.remove();
  }
}

import { Controller, Get, Header, Inject, type Type } from '@nestjs/common';
import { Registry } from 'prom-client';

/** The injection token of the registry with the metrics of the dispatchers. @publicApi */
export const DISPATCHER_REGISTRY = Symbol('DISPATCHER_REGISTRY');

/** Serves the registry as a controller of the application: its guards and global prefix stand before it as before others. */
export function metricsController(path: string): Type<object> {
  @Controller(path)
  class DispatcherMetricsController {
    constructor(@Inject(DISPATCHER_REGISTRY) private readonly registry: Registry) {}

    @Get()
    @Header('Content-Type', Registry.PROMETHEUS_CONTENT_TYPE)
    @Header('Cache-Control', 'no-store')
    metrics(): Promise<string> {
      return this.registry.metrics();
    }
  }
  return DispatcherMetricsController;
}

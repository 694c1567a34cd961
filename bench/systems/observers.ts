import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import type { DynamicModule } from '@nestjs/common';
import { DispatcherOpenTelemetryModule } from '../../lib/opentelemetry/index.js';
import { DispatcherPrometheusModule } from '../../lib/prometheus/index.js';
import type { Settings } from '../system/settings.js';

/** What is imported beside the dispatcher to observe it. */
export function observers({ telemetry }: Pick<Settings, 'telemetry'>): DynamicModule[] {
  switch (telemetry) {
    case 'none': return [];
    case 'no-sdk': return [DispatcherOpenTelemetryModule.forRoot()];
    case 'spans': return [spans()];
    case 'metrics': return [DispatcherPrometheusModule.forRoot({ path: false })];
  }
}

function spans(): DynamicModule {
  trace.setGlobalTracerProvider(new BasicTracerProvider());
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  return DispatcherOpenTelemetryModule.forRoot({ metrics: false });
}

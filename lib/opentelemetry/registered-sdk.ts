import { createNoopMeter, metrics, ProxyTracerProvider, trace } from '@opentelemetry/api';

/** Under which spans and metrics are filed. */
export const SCOPE = 'nestjs-dispatcher';

/** Whether somebody takes spans. The API alone takes none, whatever it costs to make them. */
export function hasTracerSdk(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(SCOPE) !== undefined;
}

/** Whether somebody takes metrics. */
export function hasMeterSdk(): boolean {
  return metrics.getMeter(SCOPE) !== createNoopMeter();
}

import { context, propagation, type Attributes, type SpanContext, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Arrivals } from './wait.js';

/** The spans that have ended, by an SDK that is registered for the whole process: as an application does it before anything else. */
export class KeptSpans {
  readonly ended = new Arrivals<ReadableSpan>();
  private readonly order = new Map<string, number>();
  private readonly open = new Set<SpanContext>();
  private readonly provider: BasicTracerProvider;

  constructor() {
    const keep: SpanProcessor = {
      // Clocks are too coarse to tell which began first.
      onStart: (span) => {
        this.order.set(span.spanContext().spanId, this.order.size);
        this.open.add(span.spanContext());
      },
      onEnd: (span) => {
        this.open.delete(span.spanContext());
        this.ended.add(span);
      },
      forceFlush: () => Promise.resolve(), shutdown: () => Promise.resolve(),
    };
    this.provider = new BasicTracerProvider({ spanProcessors: [keep] });
    trace.setGlobalTracerProvider(this.provider);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }));
  }

  /** Nobody traces any more. */
  async unregister(): Promise<void> {
    trace.disable();
    context.disable();
    propagation.disable();
    await this.provider.shutdown();
  }

  /** In the order of their starts. */
  of(uuid: string): ReadableSpan[] {
    return this.byStart(this.ended.all.filter(({ attributes }) => attributes['messaging.message.id'] === uuid));
  }

  /** Once all of it have ended: who runs a task may be quicker than the news that the broker has it. */
  async ofTrace(traceId: string): Promise<ReadableSpan[]> {
    await this.ended.until(() => ![...this.open].some((span) => span.traceId === traceId), 20_000, () => `the end of all spans of ${traceId}`);
    return this.byStart(this.ended.all.filter((span) => span.spanContext().traceId === traceId));
  }

  /** Once so many operations of these names have ended. */
  async until(operation: string, count: number, task?: string): Promise<ReadableSpan[]> {
    const found = (): ReadableSpan[] => this.ended.all.filter(({ attributes }) => isOf(attributes, operation, task));
    await this.ended.until(() => found().length >= count, 20_000, () => `${count} spans "${operation}"${task === undefined ? '' : ` of ${task}`}; there are ${found().length}`);
    return this.byStart(found());
  }

  private byStart(spans: ReadableSpan[]): ReadableSpan[] {
    const at = (span: ReadableSpan): number => this.order.get(span.spanContext().spanId) ?? 0;
    return [...spans].sort((a, b) => at(a) - at(b));
  }
}

function isOf(attributes: Attributes, operation: string, task: string | undefined): boolean {
  return attributes['messaging.operation.name'] === operation && (task === undefined || attributes['dispatcher.task.name'] === task);
}

/** What hangs together, in words: `name < parent`, a line each. */
export function tree(spans: readonly ReadableSpan[]): string[] {
  const names = new Map(spans.map((span) => [span.spanContext().spanId, titleOf(span)]));
  return spans.map((span) => `${titleOf(span)} < ${span.parentSpanContext === undefined ? '-' : names.get(span.parentSpanContext.spanId) ?? 'elsewhere'}`);
}

function titleOf({ name, attributes }: ReadableSpan): string {
  const task = attributes['dispatcher.task.name'];
  return typeof task === 'string' ? `${String(attributes['messaging.operation.name'])} ${task}` : name;
}

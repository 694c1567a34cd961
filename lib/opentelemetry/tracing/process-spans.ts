import { type Attributes, context, isSpanContextValid, type Link, propagation, ROOT_CONTEXT, type Span, type SpanContext, SpanKind, trace, TraceFlags, type Tracer } from '@opentelemetry/api';
import { type BatchContext, type BatchedTask, type BatchMiddleware, type DispatcherDestination, type EventOf, GiveUp, RetryLater, type RunMiddleware, SucceedEarly, type TaskContext, TaskSuspendedError } from '../../index.js';
import { isA } from '../../task/error-text.js';
import { Header } from '../../task/headers.js';
import { GiveBack } from '../../worker/give-back.js';
import { accompany } from '../../worker/handler-context.js';
import type { CheckedOptions } from '../options.js';
import { addedAttributes, commonAttributes, Name, OwnName } from './attributes.js';
import { GETTER } from './carrier.js';
import { errorType } from '../../telemetry/error-type.js';
import { fail } from './failed-span.js';
import { formatTraceParent, parseTraceParent } from './trace-parent.js';

const OPERATION = 'process';
const SETTLING = 'settle';
/** Failed attempts whose retry or dead letter is to come. */
const MOST_FAILED = 1_000;

/** What is told of an attempt that ends otherwise than by its handler. */
export type AttemptEvent = EventOf<'task.timed-out' | 'task.abandoned' | 'task.retrying' | 'task.dead-lettered'>;
export const ATTEMPT_EVENTS = ['task.timed-out', 'task.abandoned', 'task.retrying', 'task.dead-lettered'] as const;

interface Attempt {
  readonly span: Span;
  ended: boolean;
}

/**
 * A span `process` around each attempt, a child of the one that sent the task. An attempt after another, or a replay, is
 * linked to the one before it. What becomes of a failed one is a span `settle` below it.
 */
export class ProcessSpans {
  private readonly common: Attributes;
  /** By uuid, attempt and worker. */
  private readonly running = new Map<string, Attempt>();
  private readonly failed = new Map<string, SpanContext>();

  constructor(private readonly tracer: Tracer, dispatcher: string, destination: DispatcherDestination, private readonly options: CheckedOptions) {
    this.common = commonAttributes(dispatcher, destination);
  }

  readonly middleware: RunMiddleware = Object.defineProperty<RunMiddleware>((task, next) => this.run(task, next), 'name', { value: 'openTelemetry' });

  /** A span of its own around a call for many tasks, linked to the spans of these: it is nobody's child. */
  readonly batch: BatchMiddleware = (batch, tasks, next) => this.runBatch(batch, tasks, next);

  /** Told at once, before what follows from it. */
  told(event: AttemptEvent): void {
    const key = keyOf(event.task);
    if (event.type === 'task.timed-out') return this.endEarly(key, event.error);
    if (event.type === 'task.abandoned') return this.endEarly(key, undefined);
    const attempt = this.failed.get(key);
    if (attempt === undefined) return;
    this.failed.delete(key);
    this.settled(event, attempt);
  }

  private async run(task: TaskContext, next: () => Promise<unknown>): Promise<unknown> {
    const parent = propagation.extract(ROOT_CONTEXT, task.headers, GETTER);
    const span = this.spanOf(task, parent);
    const active = trace.setSpan(parent, span);
    const attempt: Attempt = { span, ended: false };
    const key = keyOf(task);
    this.running.set(key, attempt);
    accompany(task, { headers: carried(span.spanContext()), within: (work) => context.with(active, work), logFields: logFieldsOf(span.spanContext()) });
    try {
      return await context.with(active, next);
    } catch (error) {
      this.threw(key, attempt, error);
      throw error;
    } finally {
      if (this.running.get(key) === attempt) this.running.delete(key);
      end(attempt);
    }
  }

  private async runBatch({ id, name, queue, worker, key, size }: BatchContext, tasks: readonly BatchedTask[], next: () => unknown): Promise<unknown> {
    const spans = tasks.flatMap((task) => this.running.get(keyOf(task.context))?.span ?? []);
    const span = this.tracer.startSpan(`${OPERATION} ${this.options.spanNames === 'task' ? name : queue}`, {
      kind: SpanKind.CONSUMER, links: spans.map((one) => ({ context: one.spanContext() })), root: true,
      attributes: {
        ...this.common, [Name.operationType]: OPERATION, [Name.operationName]: OPERATION, [Name.destination]: queue, [Name.batchCount]: size,
        [OwnName.task]: name, [OwnName.worker]: worker, [OwnName.batch]: id, ...(key === undefined ? {} : { [OwnName.batchKey]: key }),
      },
    }, ROOT_CONTEXT);
    try {
      return await context.with(trace.setSpan(ROOT_CONTEXT, span), next);
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      span.end();
    }
  }

  private spanOf(task: TaskContext, parent: ReturnType<typeof trace.setSpan>): Span {
    const { name, uuid, queue, worker, attempt, redelivered, headers } = task;
    const previous = parseTraceParent(headers[Header.attemptTrace]);
    const links: Link[] = previous === undefined ? [] : [{ context: previous }];
    const workflow = headers[Header.workflow];
    const schedule = headers[Header.schedule];
    const replays = headers[Header.replays];
    return this.tracer.startSpan(`${OPERATION} ${this.options.spanNames === 'task' ? name : queue}`, {
      kind: SpanKind.CONSUMER, links,
      attributes: {
        ...addedAttributes(this.options.attributes, task), ...this.common, [Name.operationType]: OPERATION, [Name.operationName]: OPERATION,
        [Name.destination]: queue, [Name.messageId]: uuid, [OwnName.task]: name, [OwnName.worker]: worker, [OwnName.attempt]: attempt,
        ...(redelivered ? { [OwnName.redelivered]: true } : {}), ...(typeof replays === 'number' ? { [OwnName.replays]: replays } : {}),
        ...(typeof workflow === 'string' ? { [Name.conversationId]: workflow.split(' ', 1)[0] } : {}), ...(typeof schedule === 'string' ? { [OwnName.schedule]: schedule } : {}),
      },
    }, parent);
  }

  private threw(key: string, attempt: Attempt, error: unknown): void {
    if (attempt.ended) return;
    const verdict = verdictOf(error);
    if (verdict !== undefined) attempt.span.setAttribute(OwnName.verdict, verdict);
    if (verdict === undefined || verdict === 'give-up') {
      fail(attempt.span, isA(error, GiveUp) ? error.cause ?? new Error(error.reason) : error);
      this.remember(key, attempt.span.spanContext());
    }
  }

  private endEarly(key: string, error: unknown): void {
    const attempt = this.running.get(key);
    if (attempt === undefined || attempt.ended) return;
    if (error === undefined) attempt.span.setAttribute(OwnName.verdict, 'abandoned');
    else fail(attempt.span, error);
    this.remember(key, attempt.span.spanContext());
    end(attempt);
  }

  private remember(key: string, failed: SpanContext): void {
    this.failed.set(key, failed);
    const [oldest] = this.failed.keys();
    if (this.failed.size > MOST_FAILED && oldest !== undefined) this.failed.delete(oldest);
  }

  private settled(event: Extract<AttemptEvent, { type: 'task.retrying' | 'task.dead-lettered' }>, attempt: SpanContext): void {
    const { queue, uuid, name, worker } = event.task;
    const isRetry = event.type === 'task.retrying';
    const operation = isRetry ? 'retry' : 'dead-letter';
    const span = this.tracer.startSpan(`${operation} ${this.options.spanNames === 'task' ? name : queue}`, {
      kind: SpanKind.CLIENT,
      attributes: {
        ...this.common, [Name.operationType]: SETTLING, [Name.operationName]: operation, [Name.destination]: queue, [Name.messageId]: uuid,
        [OwnName.task]: name, [OwnName.worker]: worker, [OwnName.attempt]: event.task.attempt,
        ...(isRetry ? { [OwnName.retryDelayMs]: event.delayMs } : { [OwnName.deadReason]: event.reason, [Name.errorType]: errorType(event.error) }),
      },
    }, trace.setSpanContext(ROOT_CONTEXT, attempt));
    span.end();
  }
}

function end(attempt: Attempt): void {
  if (attempt.ended) return;
  attempt.ended = true;
  attempt.span.end();
}

function keyOf({ uuid, attempt, worker }: { readonly uuid: string; readonly attempt: number; readonly worker: string }): string {
  return `${uuid} ${attempt} ${worker}`;
}

/** What a handler decided by throwing; `undefined`: it failed. */
function verdictOf(thrown: unknown): string | undefined {
  if (isA(thrown, SucceedEarly)) return 'succeed-early';
  if (isA(thrown, RetryLater)) return 'retry-later';
  if (isA(thrown, GiveBack)) return 'given-back';
  if (isA(thrown, TaskSuspendedError)) return 'suspended';
  return isA(thrown, GiveUp) ? 'give-up' : undefined;
}

/** Nobody has kept a span that was not sampled: a link to it would lead nowhere. */
function carried(span: SpanContext): Record<string, string> {
  return isSpanContextValid(span) && (span.traceFlags & TraceFlags.SAMPLED) !== 0 ? { [Header.attemptTrace]: formatTraceParent(span) } : {};
}

function logFieldsOf({ traceId, spanId, traceFlags }: SpanContext): Record<string, string> {
  return { trace_id: traceId, span_id: spanId, trace_flags: traceFlags.toString(16).padStart(2, '0') };
}

import { context, type Context, type Link, propagation, ROOT_CONTEXT, type Span, SpanKind, trace, type Tracer } from '@opentelemetry/api';
import type { DispatcherDestination, OutgoingTask, PublishMiddleware } from '../../index.js';
import type { CheckedOptions } from '../options.js';
import { addedAttributes, commonAttributes, Name, OwnName } from './attributes.js';
import { GETTER, SETTER } from './carrier.js';
import { fail } from './failed-span.js';

const OPERATION = 'send';

/** A span `send` around each publish, and its context in the headers of the task. */
export function sendSpans(tracer: Tracer, dispatcher: string, destination: DispatcherDestination, options: CheckedOptions): PublishMiddleware {
  const common = { ...commonAttributes(dispatcher, destination), [Name.operationType]: OPERATION, [Name.operationName]: OPERATION };
  const spanOf = (task: OutgoingTask, parent: Context, given: Link | undefined): Span => {
    const target = `${destination.exchange}:${task.routingKey}`;
    return tracer.startSpan(`${OPERATION} ${options.spanNames === 'task' ? task.name : target}`, {
      kind: SpanKind.PRODUCER, links: given === undefined ? [] : [given],
      attributes: {
        ...addedAttributes(options.attributes, task), ...common, ...originAttributes(task),
        [Name.destination]: target, [Name.routingKey]: task.routingKey, [Name.messageId]: task.uuid, [OwnName.task]: task.name,
      },
    }, parent);
  };
  return async function openTelemetry(task, next) {
    // A tick is nobody's child: what was going on when its schedule was started has nothing to do with it.
    const parent = task.origin?.kind === 'schedule' ? ROOT_CONTEXT : context.active();
    const given = contextGiven(task);
    const span = spanOf(task, parent, given);
    const active = trace.setSpan(parent, span);
    // Who gave the task a context of its own means that one.
    if (given === undefined) propagation.inject(active, task.headers, SETTER);
    try {
      const published = await context.with(active, next);
      if (published.unique !== undefined) span.setAttribute(OwnName.taken, published.unique.taken);
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      span.end();
    }
  };
}

function contextGiven(task: OutgoingTask): Link | undefined {
  const given = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, task.headers, GETTER));
  return given === undefined ? undefined : { context: given };
}

function originAttributes({ origin }: OutgoingTask): Record<string, string> {
  if (origin === undefined) return {};
  return origin.kind === 'schedule' ? { [OwnName.schedule]: origin.schedule } : { [Name.conversationId]: origin.workflow };
}

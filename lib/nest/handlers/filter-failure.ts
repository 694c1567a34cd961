import { DispatcherError, InvalidArgumentsError } from '../../errors.js';
import { errorText, isA, propertyOf } from '../../task/error-text.js';

/**
 * What a run has failed with whose exception filter threw something of its own, on purpose or because it is broken: that,
 * with the handler's error as its cause, so that both are on record. What a pipe refused stays refused.
 */
export function filterFailure(broken: unknown, handlers: unknown, refusal: InvalidArgumentsError | undefined): unknown {
  if (broken === handlers) return refusal ?? handlers;
  const both = withCause(broken, handlers);
  return refusal === undefined ? both : new InvalidArgumentsError(refusal.message, refusal.issues, refusal.fields, both);
}

function withCause(broken: unknown, handlers: unknown): unknown {
  if (leadsTo(broken, handlers)) return broken;
  if (isA(broken, Error) && propertyOf(broken, 'cause') === undefined && given(broken, handlers)) return broken;
  const text = `An exception filter threw ${errorText(broken)}. It was called for what the handler threw: ${errorText(handlers)}`;
  return new DispatcherError('ERR_DISPATCHER_FILTER', text, {}, { cause: new AggregateError([broken, handlers], 'the filter and the handler failed') });
}

/** A chain that somebody made may be a circle. */
const MOST_CAUSES = 20;

function leadsTo(error: unknown, wanted: unknown): boolean {
  let at = error;
  for (let steps = 0; steps < MOST_CAUSES && at !== undefined; steps++, at = propertyOf(at, 'cause')) if (at === wanted) return true;
  return false;
}

/** False where it takes none, a frozen one or a proxy. */
function given(error: Error, cause: unknown): boolean {
  try {
    Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
    return propertyOf(error, 'cause') === cause;
  } catch {
    return false;
  }
}

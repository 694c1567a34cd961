import { missingRightIn, missingRightText } from '../../../amqp/missing-right.js';
import { BrokerError, BrokerRefusedError, BrokerUnavailableError, DispatcherError, TopologyMismatchError } from '../../../errors.js';

/** `inequivalent arg 'x' for queue 'q' in vhost '/': received 'a' but current is 'b'`, and `received none but ...`. */
const INEQUIVALENT = /inequivalent arg '([^']+)' for (queue|exchange) '(.*?)' in vhost '.*?': received (.+?) but current is (.+?)"?$/s;

export interface Difference {
  readonly argument: string;
  readonly received: string;
  readonly current: string;
}

export function differenceIn(text: string): Difference | undefined {
  const [, argument, , , received, current] = INEQUIVALENT.exec(text) ?? [];
  if (argument === undefined || received === undefined || current === undefined) return undefined;
  return { argument, received: plain(received), current: plain(current) };
}

/** The typed error for a failed declaration, binding or passive check of `what` (`queue "q"`). */
export function declarationFailure(error: unknown, what: string): DispatcherError {
  if (error instanceof DispatcherError) return error;
  const { code, message } = error as { code?: unknown; message?: string };
  const text = message ?? String(error);
  if (code === 406) return mismatch(what, text, error);
  if (code === 403) return refused(what, text, error);
  if (code === 404) return new BrokerError('ERR_DISPATCHER_NOT_FOUND', `There is no ${what} at the broker: ${text}. Declare it first.`, { what, reason: text }, { cause: error });
  if (code === 405) return new BrokerRefusedError(`${what} belongs to another connection alone: ${text}. Wait until it is gone, or use another name.`, { what, reason: text }, error);
  return new BrokerUnavailableError(`The broker could not declare ${what}: ${text}.`, { what, reason: text }, error);
}

function refused(what: string, text: string, cause: unknown): BrokerRefusedError {
  const missing = missingRightIn(text);
  const advice = missing === undefined ? `${text}. Give the user configure, write and read permission on it.` : missingRightText(missing);
  return new BrokerRefusedError(`The broker refused ${what}. ${advice}`, { what, reason: text, ...missing }, cause);
}

function mismatch(what: string, text: string, cause: unknown): TopologyMismatchError {
  const difference = differenceIn(text);
  if (difference === undefined) {
    return new TopologyMismatchError(`The broker refused ${what} as it was asked for: ${text}.`, { what, reason: text }, cause);
  }
  const { argument, received, current } = difference;
  return new TopologyMismatchError(
    `${what} exists already with ${argument} = ${current}, but ${received} was asked for. ` +
      'Properties cannot change: ask for what exists, use another name, or move its messages and delete it.',
    { what, ...difference },
    cause,
  );
}

function plain(quoted: string): string {
  return quoted === "''" || /^the value '' of/.test(quoted) ? '""' : quoted.replace(/^the value '(.*?)' of type '.*?'$/s, '$1').replace(/^'(.*)'$/s, '$1');
}

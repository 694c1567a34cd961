import { DispatcherError, InvalidTaskError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { date, isAsynchronous, oneOf, text } from '../task/option-kinds.js';
import { checkOptions, type OptionTable } from '../task/options.js';
import { type DeadLetter, type DeadLetterConditions, type DeadLetterFilter, REASONS } from './dead-letter.js';

const EXAMPLE = "{ name: 'charge', reason: 'failed' }";

const CONDITIONS: OptionTable<DeadLetterConditions> = {
  name: text(255), reason: oneOf(REASONS), error: text(), diedBefore: date, diedSince: date,
};

/** What has been done so far, for the error of a filter that fails on the way: `{ discarded: 3 }`. */
type SoFar = () => Readonly<Record<string, number>>;

/**
 * A filter as a function that answers yes or no: what is no answer, such as a promise, must not pass for a yes.
 *
 * @param of whose it is, for the error: `discardAll`
 * @throws InvalidTaskError
 */
export function predicateOf(filter: DeadLetterFilter | undefined, of: string, soFar: SoFar = () => ({})): (letter: DeadLetter) => boolean {
  if (filter === undefined) return () => true;
  if (typeof filter === 'function') return answering(filter, of, soFar);
  const { name, reason, error, diedBefore, diedSince } = checkOptions<DeadLetterConditions>(filter, CONDITIONS, {
    of: `filter of ${of}`, example: `${EXAMPLE}, or a function of the dead letter`, noBlanks: true, Refusal: InvalidTaskError,
  });
  return (letter) => (name === undefined || letter.name === name)
    && (reason === undefined || letter.reason === reason)
    && (error === undefined || (letter.error?.includes(error) ?? false))
    && (diedBefore === undefined || (letter.at !== undefined && letter.at < diedBefore))
    && (diedSince === undefined || (letter.at !== undefined && letter.at >= diedSince));
}

function answering(filter: (letter: DeadLetter) => unknown, of: string, soFar: SoFar): (letter: DeadLetter) => boolean {
  if (isAsynchronous(filter)) {
    throw new InvalidTaskError(`filter of ${of} is an asynchronous function, whose answer would come too late. Ask first, then pass a function that answers true or false at once.`, { option: 'filter' });
  }
  return (letter) => {
    const answer = ask(filter, letter, of, soFar);
    if (typeof answer === 'boolean' || answer === undefined) return answer === true;
    // It answers what nobody waits for: should it fail, that is not the failure of the process.
    if (answer instanceof Promise) answer.catch(() => undefined);
    throw new InvalidTaskError(`filter of ${of} must answer true or false; for dead letter ${letter.id} it answered ${display(answer)}. ${stopped(soFar)}`,
      { option: 'filter', id: letter.id, ...soFar() });
  };
}

function ask(filter: (letter: DeadLetter) => unknown, letter: DeadLetter, of: string, soFar: SoFar): unknown {
  try {
    return filter(letter);
  } catch (error) {
    throw new DispatcherError('ERR_DISPATCHER_FILTER', `filter of ${of} failed at dead letter ${letter.id}, with the error that is the cause. ${stopped(soFar)}`,
      { id: letter.id, ...soFar() }, { cause: error });
  }
}

function stopped(soFar: SoFar): string {
  const done = Object.entries(soFar()).map(([what, count]) => `${count} ${what}`).join(', ');
  return done === '' ? 'Nothing was changed.' : `Before it: ${done}; nothing further.`;
}

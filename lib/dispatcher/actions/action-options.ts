import type { CancelOptions } from '../../control/cancellation.js';
import type { ReplayAllOptions } from '../../dead-letters/options.js';
import type { DeadLetterFilter } from '../../dead-letters/dead-letter.js';
import { anything, numberFromZero, type OptionKind, text, trueOrFalse, wholeFromZero, wholeWithin, listOfTexts, oneOf } from '../../task/option-kinds.js';
import { checkOptions, type OptionTable } from '../../task/options.js';

/** @publicApi */
export interface ActionOptions {
  /** Who does it. */
  readonly by: string;
  /** Why. */
  readonly reason?: string;
  /** Nothing is changed, and nothing told: only counted what would be concerned. Default: false. */
  readonly dryRun?: boolean;
  /** How many a dry run has counted: no more than these are concerned, whatever has come since. Default: no limit. */
  readonly expected?: number;
  /** What else is to stand in the audit. Default: nothing. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** @publicApi */
export interface CancelActionOptions extends ActionOptions, Pick<CancelOptions, 'expiresInSeconds'> {
  /** What runs, what waits, or both. What is delayed nobody can look through. Default: `both`. */
  readonly where?: 'running' | 'waiting' | 'both';
  /**
   * How many waiting tasks of each queue are looked through, from 0 to 10,000. They are held for the moment, and go back to
   * their place. Default: 1,000 of classic queues; none of quorum queues, which count that as a delivery, and of those whose type nobody knows.
   */
  readonly peek?: number;
}

/** Which dead letters: all conditions must hold. @publicApi */
export interface DeadLetterSelection {
  /** The work queue's name, with `*` for any text, or several of them. Default, with a `group`: all that are known. */
  readonly queue?: string | readonly string[];
  readonly ids?: readonly string[];
  readonly filter?: DeadLetterFilter;
  /** Of the failures of this group: its `id`, as `inspect.failures()` tells it. */
  readonly group?: string;
}

/** @publicApi */
export interface ReplayActionOptions extends ActionOptions, Pick<ReplayAllOptions, 'to' | 'edit'> {}

const details: OptionKind = {
  expected: 'an object of texts, numbers, true and false',
  fits: (value) => typeof value === 'object' && value !== null && Object.values(value).every((one) => ['string', 'number', 'boolean'].includes(typeof one)),
};
const oneOrSeveral: OptionKind = { expected: 'a text that is not empty, or a list of such', fits: (value) => (typeof value === 'string' && value !== '') || (listOfTexts.fits(value) && (value as unknown[]).length > 0) };
const ACTION: OptionTable<ActionOptions> = { by: text(), reason: text(1_000), dryRun: trueOrFalse, expected: wholeFromZero, details };
const CANCEL: OptionTable<CancelActionOptions> = { ...ACTION, expiresInSeconds: numberFromZero, where: oneOf(['running', 'waiting', 'both']), peek: wholeWithin(0, 10_000) };
const REPLAY: OptionTable<ReplayActionOptions> = { ...ACTION, to: anything, edit: anything };
const SELECTION: OptionTable<DeadLetterSelection> = { queue: oneOrSeveral, ids: listOfTexts, filter: anything, group: text(255) };
const EXAMPLE = "{ by: 'ann', reason: 'sent twice', dryRun: true }";

/** @throws ConfigurationError, as all of these @param of which call */
export function checkActionOptions(options: ActionOptions, of: string, required: readonly ('by' | 'reason')[] = ['by']): ActionOptions {
  return checkOptions(options, ACTION, { of, example: EXAMPLE, required, noBlanks: true });
}

export function checkCancelOptions(options: CancelActionOptions): CancelActionOptions {
  return checkOptions(options, CANCEL, { of: 'actions.cancel', example: EXAMPLE, required: ['by'], noBlanks: true });
}

export function checkReplayOptions(options: ReplayActionOptions): ReplayActionOptions {
  return checkOptions(options, REPLAY, { of: 'actions.replay', example: EXAMPLE, required: ['by'], noBlanks: true });
}

/** One that a mistake left empty would mean everything. */
export function checkSelection(selection: DeadLetterSelection, of: string): DeadLetterSelection {
  const required = selection?.group === undefined ? ['queue' as const] : [];
  return checkOptions(selection, SELECTION, { of: `What ${of} concerns`, example: "{ queue: 'orders', filter: { name: 'charge' } } or { group }", required, noBlanks: true });
}

/** @throws ConfigurationError for what names nothing */
export function namesOf(names: string | readonly string[], what: string): readonly string[] {
  return [checkOptions({ name: names }, { name: oneOrSeveral }, { of: what, example: "'orders' or 'mail.*'", required: ['name'] }).name].flat();
}

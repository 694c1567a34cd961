import { type DeadLetter, type DeadLetterConditions, type DeadLetterReason, REASONS } from '../../dead-letters/dead-letter.js';
import { UsageError } from '../failures.js';
import { count, instant } from '../options.js';
import { listArgument, option, type VerbArgument, type VerbCall, type VerbOption } from '../verb.js';

export const QUEUE: VerbArgument = { name: '<queue>', about: 'name of the work queue, or <exchange>.undelivered' };
export const IDS: VerbArgument = { name: '[ids...]', about: 'their ids, as `dead list` shows them' };

/** Conditions: all that are given must hold. */
export const FILTER: readonly VerbOption[] = [
  { flags: '--name <task>', about: 'of tasks of this name' },
  { flags: '--reason <reason>', about: 'which became dead letters for this reason', choices: REASONS },
  { flags: '--error <text>', about: 'whose error has this in its text' },
  { flags: '--since <time>', about: 'which died at this time or later; also 2h for two hours ago', parse: instant },
  { flags: '--before <time>', about: 'which died before this', parse: instant },
];

export const BULK: readonly VerbOption[] = [
  ...FILTER,
  { flags: '--limit <count>', about: 'so many at most, the oldest first', parse: count },
  { flags: '--all', about: 'all that fit the conditions; needed where neither ids nor conditions are given' },
];

export function conditionsOf(call: VerbCall): DeadLetterConditions {
  const all: DeadLetterConditions = {
    name: option<string>(call, 'name'), reason: option<DeadLetterReason>(call, 'reason'), error: option<string>(call, 'error'),
    diedSince: option<Date>(call, 'since'), diedBefore: option<Date>(call, 'before'),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Which are meant by ids and conditions together. */
export interface Selection {
  readonly fits: (letter: DeadLetter) => boolean;
  readonly limit?: number;
  /** Those that were named; of them each must be there. */
  readonly ids: readonly string[];
}

/** @throws UsageError where everything would be meant and nobody has said so */
export function selectionOf(call: VerbCall): Selection {
  const ids = listArgument(call, 1);
  const conditions = conditionsOf(call);
  if (ids.length === 0 && Object.keys(conditions).length === 0 && option(call, 'all') !== true) {
    throw new UsageError('It is not said which dead letters are meant. Name their ids, give conditions such as --name or --error, or --all.');
  }
  const named = new Set(ids);
  const limit = option<number>(call, 'limit');
  const { name, reason, error, diedSince, diedBefore } = conditions;
  return {
    ids, ...limit === undefined ? {} : { limit },
    fits: (letter) => (named.size === 0 || named.has(letter.id))
      && (name === undefined || letter.name === name) && (reason === undefined || letter.reason === reason)
      && (error === undefined || letter.error?.includes(error) === true)
      && (diedSince === undefined || (letter.at !== undefined && letter.at >= diedSince))
      && (diedBefore === undefined || (letter.at !== undefined && letter.at < diedBefore)),
  };
}

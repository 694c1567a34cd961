import type { Address } from '../brokers/broker.js';
import { InvalidTaskError } from '../errors.js';
import { answersAtOnce, anything, numberFromZero, text, wholeFromZero, wholeWithin, type OptionKind } from '../task/option-kinds.js';
import { checkOptions, type OptionTable } from '../task/options.js';
import type { TaskArgument } from '../task/task.js';
import type { DeadLetter, DeadLetterFilter } from './dead-letter.js';

/** @publicApi */
export interface DeadLetterListOptions {
  /** `next` of an earlier page. Default: the beginning. */
  readonly after?: string;
  /** How many at most, from 1 to 1,000. A page also ends at 32 MiB of bodies. Default: 50. */
  readonly limit?: number;
  readonly filter?: DeadLetterFilter;
}

/** @publicApi */
export interface ReplayOptions {
  /** Other arguments, checked as by `publish`. Default: the body as it is, byte for byte. */
  readonly args?: TaskArgument[];
  /** Where to. Default: its work queue alone; `{ routingKey }` reaches every queue bound to that key. */
  readonly to?: Address;
}

/** @publicApi */
export interface BulkOptions {
  /** Default: all. */
  readonly filter?: DeadLetterFilter;
  /** How many at most, the oldest first. Default: no limit. */
  readonly limit?: number;
}

/** @publicApi */
export interface ReplayAllOptions extends BulkOptions, Pick<ReplayOptions, 'to'> {
  /**
   * Other arguments for each of them, checked as by `publish`; where it returns `undefined`, the body as it is. What it
   * throws is told of that one, which stays. Default: all as they are.
   */
  readonly edit?: (letter: DeadLetter) => TaskArgument[] | undefined;
}

/** At least one of the two. @publicApi */
export interface DeadLetterBounds {
  /** The oldest beyond this many go. */
  readonly maxCount?: number;
  /** Those that died longer ago go; what has no time stays. */
  readonly maxAgeSeconds?: number;
}

const LARGEST_PAGE = 1_000;

/** What a filter is made of, `predicateOf` checks; what stands in its place by mistake, it refuses too. */
const filter: OptionKind = anything;
/** Arguments are checked with the task that they belong to. */
const args: OptionKind = { expected: 'a list of { type, value }', fits: Array.isArray };
const to: OptionKind = { expected: "{ queue: 'orders' } or { routingKey: 'orders' }", fits: isAddress };

const LIST: OptionTable<DeadLetterListOptions> = { after: text(10_000), limit: wholeWithin(1, LARGEST_PAGE), filter };
const REPLAY: OptionTable<ReplayOptions> = { args, to };
const BULK: OptionTable<BulkOptions> = { filter, limit: wholeFromZero };
const REPLAY_ALL: OptionTable<ReplayAllOptions> = { ...BULK, to, edit: answersAtOnce };
const BOUNDS: OptionTable<DeadLetterBounds> = { maxCount: numberFromZero, maxAgeSeconds: numberFromZero };

const BULK_EXAMPLE = "{ filter: { name: 'charge' }, limit: 100 }";

/** @throws InvalidTaskError, as all of these */
export function checkListOptions(options: DeadLetterListOptions | undefined): DeadLetterListOptions {
  return checkOptions(options, LIST, { of: 'list', example: "{ limit: 20, filter: { name: 'charge' } }", Refusal: InvalidTaskError });
}

export function checkReplayOptions(options: ReplayOptions | undefined): ReplayOptions {
  return checkOptions(options, REPLAY, { of: 'replay', example: "{ args: [{ type: 'int', value: 5 }] }", Refusal: InvalidTaskError });
}

export function checkBulkOptions(options: BulkOptions | undefined, of = 'discardAll'): BulkOptions {
  return checkOptions(options, BULK, { of, example: BULK_EXAMPLE, noBlanks: true, Refusal: InvalidTaskError });
}

export function checkReplayAllOptions(options: ReplayAllOptions | undefined): ReplayAllOptions {
  return checkOptions(options, REPLAY_ALL, { of: 'replayAll', example: BULK_EXAMPLE, noBlanks: true, Refusal: InvalidTaskError });
}

export function checkBounds(bounds: DeadLetterBounds): DeadLetterBounds {
  return checkOptions(bounds, BOUNDS, { of: 'trim', example: '{ maxCount: 10_000, maxAgeSeconds: 1_209_600 }', Refusal: InvalidTaskError });
}

function isAddress(value: unknown): value is Address {
  if (typeof value !== 'object' || value === null) return false;
  const [[name, where] = [], ...more] = Object.entries(value);
  return more.length === 0 && (name === 'queue' || name === 'routingKey') && typeof where === 'string' && where !== '';
}

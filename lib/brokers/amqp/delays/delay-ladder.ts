import { createHash } from 'node:crypto';
import { returnsQueueOf } from '../../../amqp/queue-forms.js';
import { InvalidTaskError } from '../../../errors.js';
import { undeliveredQueueOf } from '../../../task/undelivered.js';

/**
 * The arithmetic of the delay ladder. A delay is a number of units in binary; each level of the
 * ladder is a queue that holds a message for its one bit's worth of time, and a topic exchange
 * that leads a message into that queue or past it. The bits travel as words of the routing key,
 * most significant first, and a token comes after them. The numbers here are part
 * of the version in the names: change one, and the version must change.
 */
export const DELAY_UNIT_MS = 50;
export const DELAY_LEVELS = 32;
/** Of these, the ones that hold for up to 204 s: more than the narrowest slot for large bodies leaves of a delay. */
export const LOW_LEVELS = 12;
const VERSION = 'v2';

/** 6.8 years; `LONGEST_DELAY_MS` of task/timing.ts promises no more. */
export const LONGEST_DELAY_MS = (2 ** DELAY_LEVELS - 1) * DELAY_UNIT_MS;

/** A shortstr of AMQP less the bits and their dots is 191; a token stays well below. */
const LONGEST_TOKEN = 150;
/** A delay of many units is rounded up by at most 1/64 and at most 7 units (350 ms): each bit less is a hop less. */
const MOST_CLEARED_BITS = 3;
const KEPT_BITS = 6;

/**
 * How many units to wait: never less than the delay.
 * @throws InvalidTaskError for a delay that is no finite number or longer than the ladder
 */
export function delayUnits(delayMs: number): number {
  if (!(delayMs <= LONGEST_DELAY_MS)) {
    throw new InvalidTaskError(`A delay of ${delayMs} ms cannot be kept; expected at most ${LONGEST_DELAY_MS} ms (6.8 years).`, { delayMs, longestMs: LONGEST_DELAY_MS });
  }
  const exact = Math.max(1, Math.ceil(delayMs / DELAY_UNIT_MS));
  const cleared = Math.min(MOST_CLEARED_BITS, Math.max(0, Math.floor(Math.log2(exact)) - KEPT_BITS));
  const rounded = Math.ceil(exact / 2 ** cleared) * 2 ** cleared;
  return rounded < 2 ** DELAY_LEVELS ? rounded : exact;
}

/** The level of the highest bit: the ladder is entered there, because what is above would be passed through. */
export function entryLevel(units: number): number {
  return Math.floor(Math.log2(units));
}

export function delayRoutingKey(units: number, token: string): string {
  return `${units.toString(2).padStart(DELAY_LEVELS, '0').split('').join('.')}.${token}`;
}

/** What is due within this waits in the near queue, whose consumers hold it until then. */
export const NEAR_LONGEST_MS = 2_000;
/** With which the near queue is bound to its exchange. */
export const NEAR_KEY = 'soon';
/** Larger bodies wait the last of their delay on the ladder, so that what consumers hold is bounded. */
export const NEAR_LARGEST_BYTES = 16 * 1024;

/** The narrowest slots of the timing wheel that a body may wait for: those of the first level are held until it is due. */
export function lowestLevel(bytes: number): 0 | 1 {
  return bytes > NEAR_LARGEST_BYTES ? 1 : 0;
}
/** Of a longer delay the ladder takes a multiple of this: a power of two of its units, so that lower levels are passed by. */
const COARSE_UNITS = 32;
/** By so much earlier it lets go of it at least: by its own slowness it may then be late, and nothing is. */
const LEAD_MS = NEAR_LONGEST_MS - COARSE_UNITS * DELAY_UNIT_MS;

/** How many units of a delay longer than {@link NEAR_LONGEST_MS} the ladder takes, where the near queue takes the rest: always less than the delay. */
export function coarseUnits(delayMs: number): number {
  return Math.floor((delayMs - LEAD_MS) / (COARSE_UNITS * DELAY_UNIT_MS)) * COARSE_UNITS;
}

/**
 * One word for a queue's name: no dot, which would be several words, and no wildcard. Different
 * names have different tokens.
 */
export function queueToken(queue: string): string {
  const escaped = queue.replace(/[^A-Za-z0-9_-]/gu, (character) => [...Buffer.from(character)].map((byte) => `~${byte.toString(16).padStart(2, '0')}`).join(''));
  // "~" is always followed by a hexadecimal digit above, so a hash can be nobody's plain token.
  return escaped.length <= LONGEST_TOKEN ? escaped : `~h${createHash('sha256').update(queue).digest('hex')}`;
}

/** After the bits of what the forwarder is to publish: everything. No queue has this token, see {@link queueToken}. */
export const FORWARDED = '~r';

/** How long level `level` holds a message. */
export function levelMs(level: number): number {
  return 2 ** level * DELAY_UNIT_MS;
}

/** Routing keys whose bit of this level is `bit`: into the level's queue for 1, past it for 0. */
export function levelPattern(level: number, bit: 0 | 1): string {
  return `${'*.'.repeat(DELAY_LEVELS - 1 - level)}${bit}.#`;
}

/** Exactly the words of the bits, so that a token which ends like another is not taken for it. */
export function duePattern(token: string): string {
  return `${'*.'.repeat(DELAY_LEVELS)}${token}`;
}

/** Exchange and queue of a level share the name. */
export function levelName(exchange: string, level: number): string {
  return `${exchange}.delay.${VERSION}.${String(level).padStart(2, '0')}`;
}

/** Exchange and queue at the end: the queue holds what is to be forwarded, and what is to be brought back. */
export function dueName(exchange: string): string {
  return returnsQueueOf(exchange);
}

/** Exchange and queue for what is due soon: below the version's name, so that who may write to the ladder may write to it. */
export function nearName(exchange: string): string {
  return `${exchange}.delay.${VERSION}.near`;
}

/** Exchange by which the buckets of the timing wheel are reached, and queue of the notes on which there are. */
export function wheelName(exchange: string): string {
  return `${exchange}.delay.${VERSION}.wheel`;
}

/** What comes to the end of the ladder by this is for a bucket that is not there: its key has two words. */
export const STRAY_PATTERN = '*.*';

export function bucketName(exchange: string, key: string): string {
  return `${wheelName(exchange)}.${key}`;
}

/** Exchange and queue for what is due when its destination is gone. */
export function undeliveredName(exchange: string): string {
  return undeliveredQueueOf(exchange);
}

import { EVENT_LEVELS, EVENT_ORIGINS, type EventLevel, type EventOrigin } from '../../events/event-stamp.js';
import { decodeMessage } from '../asking/messages.js';
import { areNumbers, areTexts, isObject } from '../asking/shapes.js';
import { type CheckedFollowFilter, isFollowFilter } from './follow-filter.js';
import type { ToldEvent } from './followed-event.js';

const EVENTS = 'events.';
/** Whoever says more is not one of us. */
const MOST_WISH_BYTES = 64 * 1024;
const MOST_EVENTS = 1_000;

/** That somebody follows: broadcast as questions are, again and again while it holds. */
export interface Wish {
  /** The topic on which events are told; the same each time. */
  readonly follow: string;
  readonly filter: CheckedFollowFilter;
  /** How many events of each process in a second at most. */
  readonly perSecond: number;
  /** It holds no longer. */
  readonly end?: true;
}

/** Events of one process, in the order in which they happened. */
export interface Batch {
  readonly process: string;
  readonly host: string;
  readonly pid: number;
  readonly events: readonly ToldEvent[];
  /** How many came after these that are not told. */
  readonly dropped?: number;
  /** None are told, because so many others follow already. */
  readonly full?: true;
}

export function eventsTopic(follower: string): string {
  return EVENTS + follower;
}

/** `undefined`: it is no wish. */
export function decodeWish(message: Buffer): Wish | undefined {
  const found = message.length > MOST_WISH_BYTES ? undefined : decodeMessage(message);
  if (found === undefined || !areTexts(found, ['follow']) || !found.follow.startsWith(EVENTS) || !areNumbers(found, ['perSecond']) || !isFollowFilter(found['filter'])) return undefined;
  return found as unknown as Wish;
}

export function decodeBatch(message: Buffer): Batch | undefined {
  const found = decodeMessage(message);
  if (found === undefined || !areTexts(found, ['process', 'host']) || !areNumbers(found, ['pid'])) return undefined;
  const { events, dropped } = found;
  if (!Array.isArray(events) || events.length > MOST_EVENTS || !events.every(isToldEvent) || (dropped !== undefined && typeof dropped !== 'number')) return undefined;
  return found as unknown as Batch;
}

function isToldEvent(found: unknown): boolean {
  return isObject(found) && areTexts(found, ['type', 'text']) && areNumbers(found, ['at']) && EVENT_LEVELS.includes(found['level'] as EventLevel) && EVENT_ORIGINS.includes(found['origin'] as EventOrigin)
    && (found['task'] === undefined || isObject(found['task'])) && (found['fields'] === undefined || isObject(found['fields']));
}

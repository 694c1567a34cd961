import { ConfigurationError } from '../../errors.js';
import type { EventFilter } from '../../events/event-filter.js';
import { EVENT_LEVELS, type EventLevel, type StampedEvent } from '../../events/event-stamp.js';
import { EVENT_TABLE } from '../../events/event-table.js';
import { display } from '../../task/argument-types.js';
import { matchesName } from '../../task/name-pattern.js';
import { subjectOf } from './followed-event.js';

/** Which events of which processes; all that is given must hold. @publicApi */
export interface FollowFilter {
  /** This one and those that matter more. Default: `log`, and `debug` where `type` is given. */
  readonly level?: EventLevel;
  /** One or several; `*` stands for any text: `task.*`. */
  readonly type?: string | readonly string[];
  /** Of the task; `*` stands for any text. */
  readonly name?: string;
  readonly queue?: string;
  /** Its id, as `processes()` tells it. */
  readonly process?: string;
}

/** As it travels. */
export interface CheckedFollowFilter {
  readonly level: EventLevel;
  readonly types?: readonly string[];
  readonly name?: string;
  readonly queue?: string;
  readonly process?: string;
}

const KNOWN = ['level', 'type', 'name', 'queue', 'process'];
const MOST_TYPES = 50;
const LONGEST_TEXT = 500;
const EXAMPLE = "{ type: 'task.*', queue: 'mail' }";

/** @throws ConfigurationError */
export function checkFollowFilter(filter: FollowFilter = {}): CheckedFollowFilter {
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) throw refused(`must be an object such as ${EXAMPLE}`, filter);
  for (const name of Object.keys(filter)) if (!KNOWN.includes(name)) throw refused(`has the condition "${name}", which does not exist; there are ${KNOWN.join(', ')}`, filter);
  const { level, type, name, queue, process } = filter;
  if (level !== undefined && !EVENT_LEVELS.includes(level)) throw refused(`needs one of ${EVENT_LEVELS.join(', ')} as level`, level);
  const types: unknown = type === undefined ? undefined : [type].flat();
  if (types !== undefined && !isTypes(types)) throw refused(`needs 1 to ${MOST_TYPES} texts of at most ${LONGEST_TEXT} characters as type`, type);
  for (const [key, value] of Object.entries({ name, queue, process })) if (value !== undefined && !isText(value)) throw refused(`needs a text of at most ${LONGEST_TEXT} characters as ${key}`, value);
  return {
    level: level ?? (types === undefined ? 'log' : 'debug'),
    ...(types === undefined ? {} : { types }), ...(name === undefined ? {} : { name }), ...(queue === undefined ? {} : { queue }), ...(process === undefined ? {} : { process }),
  };
}

/** What came from another process. */
export function isFollowFilter(found: unknown): found is CheckedFollowFilter {
  if (typeof found !== 'object' || found === null) return false;
  const { level, types, name, queue, process } = found as Readonly<Record<string, unknown>>;
  return EVENT_LEVELS.includes(level as EventLevel) && (types === undefined || isTypes(types)) && [name, queue, process].every((text) => text === undefined || isText(text));
}

/** For the stream of this process' events, which makes some only for those who ask for their type; `undefined`: none of them is meant. */
export function streamFilter({ level, types }: CheckedFollowFilter): EventFilter | undefined {
  if (types === undefined) return { level };
  const known = Object.keys(EVENT_TABLE) as (keyof typeof EVENT_TABLE)[];
  const type = known.filter((one) => types.some((pattern) => matchesName(pattern, one)));
  return type.length === 0 ? undefined : { level, type };
}

export function isFollowed({ name, queue }: CheckedFollowFilter, event: StampedEvent): boolean {
  if (name === undefined && queue === undefined) return true;
  const subject = subjectOf(event);
  return (name === undefined || (subject.name !== undefined && matchesName(name, subject.name))) && (queue === undefined || queue === subject.queue);
}

function isTypes(found: unknown): found is readonly string[] {
  return Array.isArray(found) && found.length > 0 && found.length <= MOST_TYPES && found.every(isText);
}

function isText(found: unknown): found is string {
  return typeof found === 'string' && found !== '' && found.length <= LONGEST_TEXT;
}

function refused(what: string, found: unknown): ConfigurationError {
  return new ConfigurationError(`The filter of followed events ${what}; found ${display(found)}.`, { found: display(found) });
}

import type { EventLevel, EventOrigin, StampedEvent } from '../../events/event-stamp.js';
import { lineOf } from '../../events/event-table.js';
import { errorName, isA, messageOf, shortened } from '../../task/error-text.js';
import type { Redaction } from '../redaction.js';

const LONGEST_TEXT = 1_000;
/** Of all fields of an event, as JSON. What is more, such as a list of running tasks, the text says. */
const MOST_FIELD_BYTES = 4 * 1024;
const STAMP: readonly string[] = ['type', 'level', 'origin', 'at', 'task'];

/** Which task an event of another process speaks of; of some events less is known. @publicApi */
export interface FollowedTask {
  readonly uuid?: string;
  readonly name?: string;
  readonly attempt?: number;
  readonly queue?: string;
  readonly worker?: string;
}

/** An event as its process has told it. @publicApi */
export interface FollowedEvent {
  /** As in the table of events; of a process of another version it may be one that is not known here. */
  readonly type: string;
  readonly level: EventLevel;
  readonly origin: EventOrigin;
  /** Milliseconds since 1970, by the clock of its process. */
  readonly at: number;
  /** As the log says it, up to 1,000 characters. */
  readonly text: string;
  readonly task?: FollowedTask;
  /** What else the event has: without secrets, errors as `{ name, message }`. Absent where that is more than 4 KiB. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** The process' id, as `processes()` tells it. */
  readonly process: string;
  readonly host: string;
  readonly pid: number;
  /** So many events that its process had after this one were left out: they were too many at once. */
  readonly dropped?: number;
}

/** What of it differs from event to event of a process. */
export type ToldEvent = Omit<FollowedEvent, 'process' | 'host' | 'pid' | 'dropped'>;

/** What may leave the process of an event. Never throws. */
export function toldEvent(event: StampedEvent, redaction: Redaction): ToldEvent {
  const { type, level, origin, at } = event;
  const task = 'task' in event ? taskOf(event.task) : {};
  const fields = fieldsOf(event, redaction);
  return { type, level, origin, at, text: shortened(lineOf(event).text, LONGEST_TEXT), ...(Object.keys(task).length === 0 ? {} : { task }), ...(fields === undefined ? {} : { fields }) };
}

/** The name of a task and the queue that an event speaks of, where it does. */
export function subjectOf(event: StampedEvent): { readonly name?: string; readonly queue?: string } {
  const { task = {}, taskName, name, queue, scope } = event as { task?: FollowedTask; taskName?: string; name?: string; queue?: string; scope?: string };
  const isOfQueue = scope === 'queue';
  const found = { name: task.name ?? taskName ?? (isOfQueue ? undefined : name), queue: task.queue ?? queue ?? (isOfQueue ? name : undefined) };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

function taskOf({ uuid, name, attempt, queue, worker }: FollowedTask): FollowedTask {
  return Object.fromEntries(Object.entries({ uuid, name, attempt, queue, worker }).filter(([, value]) => value !== undefined && value !== ''));
}

function fieldsOf(event: StampedEvent, redaction: Redaction): Readonly<Record<string, unknown>> | undefined {
  try {
    const own = Object.entries(event).filter(([name, value]) => !STAMP.includes(name) && value !== undefined)
      .map(([name, value]: [string, unknown]) => [name, name === 'error' ? errorOf(value) : value] as const);
    const told = own.length === 0 ? undefined : redaction.fields(Object.fromEntries(own));
    return told === undefined || Buffer.byteLength(JSON.stringify(told)) > MOST_FIELD_BYTES ? undefined : told;
  } catch {
    return undefined;
  }
}

/** Whatever was thrown. */
function errorOf(error: unknown): { readonly name: string; readonly message: string } {
  return { name: isA(error, Error) ? shortened(errorName(error), 200) : 'Error', message: shortened(messageOf(error), LONGEST_TEXT) };
}

import type { DispatcherEvent, TaskIdentity } from '../../events/dispatcher-event.js';
import { originOf } from '../../events/event-stamp.js';
import { EVENT_TABLE } from '../../events/event-table.js';
import { shortErrorRecord } from '../../results/task-error-record.js';
import { isA } from '../../task/error-text.js';

/** Of a list of running tasks; the text says how many there are. */
const MOST_RUNNING = 20;

/** What stands beside the text of an event in a log with fields. Stable: `docs/events.md` names them. */
export interface EventFields {
  readonly event: string;
  readonly origin: string;
  readonly task?: Partial<TaskIdentity>;
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string | number; readonly stack?: string };
  /** All other fields of the event, by their names in the table of events. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Never throws, whatever an event has: an adapter that is not ours may have made it. @param stack where it was thrown, if that is worth a line */
export function eventFields(event: DispatcherEvent, stack?: string): EventFields {
  const origin = originOf(event.type);
  try {
    const names = Object.hasOwn(EVENT_TABLE, event.type) ? Object.keys(EVENT_TABLE[event.type].fields) : [];
    const given = names.map((name) => [name, (event as unknown as Record<string, unknown>)[name]] as const).filter(([, value]) => value !== undefined);
    const { task, error, ...details } = Object.fromEntries(given.map(([name, value]) => [name, told(name, value)]));
    return {
      event: event.type, origin, ...(task === undefined ? {} : { task: task as Partial<TaskIdentity> }),
      ...(error === undefined ? {} : { error: { ...error as NonNullable<EventFields['error']>, ...(stack === undefined ? {} : { stack }) } }),
      ...(Object.keys(details).length === 0 ? {} : { details }),
    };
  } catch {
    return { event: event.type, origin };
  }
}

function told(name: string, value: unknown): unknown {
  if (name === 'error') return shortErrorRecord(value);
  if (name === 'running' && Array.isArray(value)) return value.slice(0, MOST_RUNNING);
  return isA(value, Error) ? shortErrorRecord(value) : value;
}

import { placeOf } from '../task/error-text.js';
import { ACTION_ROWS } from './action-rows.js';
import { CONNECTION_ROWS } from './connection-rows.js';
import type { DispatcherEvent } from './dispatcher-event.js';
import type { EventRow, EventRows, EventType } from './event-row.js';
import type { EventLevel } from './event-stamp.js';
import { PLAN_ROWS } from './plan-rows.js';
import { TASK_ROWS } from './task-rows.js';
import { WORKER_ROWS } from './worker-rows.js';

/** Level, fields and text of every event. */
export const EVENT_TABLE: EventRows<EventType> = { ...CONNECTION_ROWS, ...WORKER_ROWS, ...TASK_ROWS, ...PLAN_ROWS, ...ACTION_ROWS };

/** What the log says of an event. */
export interface EventLine {
  readonly text: string;
  readonly stack?: string;
}

/** Never throws: what a row cannot say of an event, such as one of an adapter that is not ours, must end nobody's stream. */
export function levelOf(event: DispatcherEvent): EventLevel {
  const row = rowOf(event);
  if (row === undefined) return 'debug';
  try {
    return row.isMinor?.(event) === true ? 'debug' : row.level;
  } catch {
    return row.level;
  }
}

/** Never throws, as {@link levelOf}. */
export function lineOf(event: DispatcherEvent): EventLine {
  const row = rowOf(event);
  if (row === undefined) return { text: event.type };
  try {
    return { text: row.text(event), stack: placeOf(row.thrown?.(event)) };
  } catch {
    return { text: event.type };
  }
}

function rowOf({ type }: DispatcherEvent): EventRow<DispatcherEvent> | undefined {
  return Object.hasOwn(EVENT_TABLE, type) ? EVENT_TABLE[type] as unknown as EventRow<DispatcherEvent> : undefined;
}

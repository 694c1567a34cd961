import type { DispatcherEvent, TaskFlowEvent } from './dispatcher-event.js';
import { EVENT_LEVELS, type EventLevel, type EventOrigin, type StampedEvent } from './event-stamp.js';

/** Which events; what is left out is no condition. @publicApi */
export interface EventFilter<Type extends DispatcherEvent['type'] = DispatcherEvent['type']> {
  /** This one and those that matter more. Default: `debug`, all. */
  level?: EventLevel;
  origin?: EventOrigin | readonly EventOrigin[];
  type?: Type | readonly Type[];
}

/** The events of these types. @publicApi */
export type EventOf<Type extends DispatcherEvent['type']> = Extract<StampedEvent, { readonly type: Type }>;

/** A filter as one question. */
export function eventMatcher({ level = 'debug', origin, type }: EventFilter): (event: StampedEvent) => boolean {
  const lowest = EVENT_LEVELS.indexOf(level);
  const origins = listed(origin);
  const types = listed(type);
  return (event) => EVENT_LEVELS.indexOf(event.level) >= lowest
    && (origins === undefined || origins.includes(event.origin)) && (types === undefined || types.includes(event.type));
}

const TASK_FLOW: readonly DispatcherEvent['type'][] = ['task.absorbed', 'task.published', 'task.publish-failed', 'task.started', 'task.succeeded'] satisfies TaskFlowEvent['type'][];

/** Whether any of the events of every task, which are of the lowest level, could be among these. */
export function wantsTaskFlow({ level = 'debug', origin, type }: EventFilter): boolean {
  return level === 'debug' && (listed(origin)?.includes('task') ?? true) && (listed(type)?.some((one) => TASK_FLOW.includes(one)) ?? true);
}

function listed<T extends string>(wanted: T | readonly T[] | undefined): readonly T[] | undefined {
  if (wanted === undefined) return undefined;
  return typeof wanted === 'string' ? [wanted] : wanted;
}

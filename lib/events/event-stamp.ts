import type { DispatcherEvent } from './dispatcher-event.js';

/** How much an event matters, from little to much; as in Nest's log. @publicApi */
export type EventLevel = 'debug' | 'log' | 'warn' | 'error';

/** Which part of the system an event comes from. @publicApi */
export type EventOrigin = 'connection' | 'results' | 'worker' | 'task' | 'workflow' | 'schedule' | 'action';

/** What every event has beside its own fields. @publicApi */
export interface EventStamp {
  readonly level: EventLevel;
  readonly origin: EventOrigin;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** An event as listeners get it. @publicApi */
export type StampedEvent = DispatcherEvent & EventStamp;

export const EVENT_LEVELS: readonly EventLevel[] = ['debug', 'log', 'warn', 'error'];
export const EVENT_ORIGINS: readonly EventOrigin[] = ['connection', 'results', 'worker', 'task', 'workflow', 'schedule', 'action'];

type Prefix = DispatcherEvent['type'] extends `${infer First}.${string}` ? First : never;

/** By the first word of its type. */
const ORIGINS: Readonly<Record<Prefix, EventOrigin>> = {
  broker: 'connection', results: 'results', worker: 'worker', limits: 'worker', circuit: 'worker',
  task: 'task', middleware: 'task', workflow: 'workflow', schedule: 'schedule', action: 'action',
};

export function originOf(type: DispatcherEvent['type']): EventOrigin {
  const prefix = type.slice(0, type.indexOf('.'));
  return Object.hasOwn(ORIGINS, prefix) ? ORIGINS[prefix as Prefix] : 'worker';
}

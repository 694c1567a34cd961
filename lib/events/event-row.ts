import type { DispatcherEvent } from './dispatcher-event.js';
import type { EventLevel } from './event-stamp.js';

export type EventType = DispatcherEvent['type'];

type Of<Type extends EventType> = Extract<DispatcherEvent, { readonly type: Type }>;

/** How one type of event is told. */
export interface EventRow<Event> {
  readonly level: EventLevel;
  /** True: this one matters less, and is `debug`. */
  readonly isMinor?: (event: Event) => boolean;
  /** Its own fields, each of them. */
  readonly fields: { readonly [Field in Exclude<keyof Event, 'type'>]-?: true };
  /** Its line in the log. */
  readonly text: (event: Event) => string;
  /** Below the line stands where this was thrown, unless it is an error of ours. */
  readonly thrown?: (event: Event) => unknown;
}

/** A row for each of these types: the compiler refuses a missing one, and one with a missing field. */
export type EventRows<Type extends EventType> = { readonly [Each in Type]: EventRow<Of<Each>> };

/** The types whose names begin so. */
export type TypesOf<Prefix extends string> = Extract<EventType, `${Prefix}.${string}`>;

export function inTime(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '' : `; next in ${Math.round(milliseconds / 100) / 10} s`;
}

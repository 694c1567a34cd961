import { filter, map, share, type Observable } from 'rxjs';
import { ConfigurationError } from '../../errors.js';
import type { DispatcherEvent } from '../../events/dispatcher-event.js';
import { eventMatcher, type EventFilter } from '../../events/event-filter.js';
import { EVENT_LEVELS, EVENT_ORIGINS, originOf, type StampedEvent } from '../../events/event-stamp.js';
import { checkCount, refuseUnknown, requireObject } from '../config-checks.js';
import { levelOf } from '../event-logger.js';
import { QueuedListening, type EventListening } from './event-listening.js';
import { EventStream } from './event-stream.js';

export interface ListenOptions {
  /** How many events may wait for the listener; further ones are dropped, and counted. Default: 1,000. */
  maxWaiting?: number;
}

const DEFAULT_MAX_WAITING = 1_000;

/** Whoever wants to know what happens in the system. */
export class DispatcherEvents {
  /** All of them. Hot. */
  readonly all: Observable<StampedEvent>;

  constructor(events: Observable<DispatcherEvent>, private readonly onListenerError: (error: unknown) => void) {
    const stamped = events.pipe(map((event): StampedEvent => ({ ...event, level: levelOf(event), origin: originOf(event.type), at: Date.now() })), share());
    this.all = new EventStream(stamped, onListenerError);
  }

  /** @throws ConfigurationError */
  matching(wanted: EventFilter = {}): Observable<StampedEvent> {
    checkFilter(wanted);
    return new EventStream(this.all.pipe(filter(eventMatcher(wanted))), this.onListenerError);
  }

  /** @throws ConfigurationError */
  listen(listener: (event: StampedEvent) => unknown, { maxWaiting, ...wanted }: EventFilter & ListenOptions): EventListening {
    if (typeof listener !== 'function') throw new ConfigurationError('listen takes a function that gets the events: listen((event) => ..., { level: "warn" }).');
    const most = checkCount(maxWaiting, 'maxWaiting of listen', { minimum: 1, fallback: DEFAULT_MAX_WAITING });
    return new QueuedListening(this.matching(wanted), listener, most, this.onListenerError);
  }
}

function checkFilter(wanted: EventFilter): void {
  requireObject(wanted, 'The filter of events', "{ level: 'warn' }");
  refuseUnknown(wanted, ['level', 'origin', 'type'], 'The filter of events');
  const { level, origin }: EventFilter = wanted;
  if (level !== undefined) checkKnown(level, 'level', EVENT_LEVELS);
  for (const each of origin === undefined ? [] : [origin].flat()) checkKnown(each, 'origin', EVENT_ORIGINS);
}

function checkKnown(found: string, what: string, known: readonly string[]): void {
  if (known.includes(found)) return;
  throw new ConfigurationError(`The filter of events has the ${what} ${JSON.stringify(found)}; expected one of ${known.join(', ')}.`, { [what]: found });
}

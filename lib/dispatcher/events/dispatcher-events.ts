import { filter, map, merge, share, type Observable } from 'rxjs';
import { ConfigurationError } from '../../errors.js';
import type { DispatcherEvent, TaskFlowEvent } from '../../events/dispatcher-event.js';
import { eventMatcher, wantsTaskFlow, type EventFilter } from '../../events/event-filter.js';
import { EVENT_LEVELS, EVENT_ORIGINS, originOf, type StampedEvent } from '../../events/event-stamp.js';
import { display } from '../../task/argument-types.js';
import { listOfTexts } from '../../task/option-kinds.js';
import { clock } from '../../time/clock.js';
import { checkCount, refuseUnknown, requireObject } from '../config/config-checks.js';
import { levelOf } from '../../events/event-table.js';
import { QueuedListening, type EventListening } from './event-listening.js';
import { EventStream } from './event-stream.js';

export interface ListenOptions {
  /** How many events may wait for the listener; further ones are dropped, and counted. Default: 1,000. */
  maxWaiting?: number;
}

const DEFAULT_MAX_WAITING = 1_000;

/** Whoever wants to know what happens in the system. */
export class DispatcherEvents {
  /** All of them but what happens to every task. Hot. */
  readonly all: Observable<StampedEvent>;
  private readonly taskFlow: Observable<StampedEvent>;

  /** @param taskFlow subscribed to only while somebody wants it */
  constructor(events: Observable<DispatcherEvent>, taskFlow: Observable<TaskFlowEvent>, private readonly onListenerError: (error: unknown) => void) {
    this.all = new EventStream(events.pipe(map(stamped), share()), onListenerError);
    this.taskFlow = taskFlow.pipe(map(stamped), share());
  }

  /** @throws ConfigurationError */
  matching(wanted: EventFilter = {}): Observable<StampedEvent> {
    checkFilter(wanted);
    const events = wantsTaskFlow(wanted) ? merge(this.all, this.taskFlow) : this.all;
    return new EventStream(events.pipe(filter(eventMatcher(wanted))), this.onListenerError);
  }

  /** The same, of whatever stream: its listeners cannot hurt. */
  guarded<T>(events: Observable<T>): Observable<T> {
    return new EventStream(events, this.onListenerError);
  }

  /** @throws ConfigurationError */
  listen(listener: (event: StampedEvent) => unknown, options: EventFilter & ListenOptions): EventListening {
    requireObject(options, 'The options of listen', "{ level: 'warn', maxWaiting: 100 }");
    const { maxWaiting, ...wanted }: EventFilter & ListenOptions = options;
    if (typeof listener !== 'function') throw new ConfigurationError('listen takes a function that gets the events: listen((event) => ..., { level: "warn" }).');
    const most = checkCount(maxWaiting, 'maxWaiting of listen', { minimum: 1, fallback: DEFAULT_MAX_WAITING });
    return new QueuedListening(this.matching(wanted), listener, most, this.onListenerError);
  }
}

function stamped(event: DispatcherEvent): StampedEvent {
  return { ...event, level: levelOf(event), origin: originOf(event.type), at: clock.now() };
}

function checkFilter(wanted: EventFilter): void {
  requireObject(wanted, 'The filter of events', "{ level: 'warn' }");
  refuseUnknown(wanted, ['level', 'origin', 'type'], 'The filter of events');
  const { level, origin, type }: EventFilter = wanted;
  if (type !== undefined && !listOfTexts.fits([type].flat())) throw new ConfigurationError(`type of the filter of events must be a text or ${listOfTexts.expected}; found ${display(type)}.`, { option: 'type' });
  if (level !== undefined) checkKnown(level, 'level', EVENT_LEVELS);
  for (const each of origin === undefined ? [] : [origin].flat()) checkKnown(each, 'origin', EVENT_ORIGINS);
}

function checkKnown(found: string, what: string, known: readonly string[]): void {
  if (known.includes(found)) return;
  throw new ConfigurationError(`The filter of events has the ${what} ${JSON.stringify(found)}; expected one of ${known.join(', ')}.`, { [what]: found });
}

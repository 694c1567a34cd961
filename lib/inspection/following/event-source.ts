import { EMPTY, type Observable } from 'rxjs';
import type { EventFilter } from '../../events/event-filter.js';
import type { StampedEvent } from '../../events/event-stamp.js';
import type { ProcessInfo } from '../model.js';
import type { Redaction } from '../redaction.js';
import { EventBatches } from './event-batches.js';
import { type CheckedFollowFilter, streamFilter } from './follow-filter.js';
import { type ToldEvent, toldEvent } from './followed-event.js';

export type ToldPlace = Pick<ProcessInfo, 'id' | 'host' | 'pid'>;

/** What this process can tell of its events, to itself and to others. */
export class EventSource {
  constructor(readonly place: ToldPlace, private readonly matching: (filter: EventFilter) => Observable<StampedEvent>, private readonly redaction: Redaction) {}

  /** Until they are stopped. */
  batches(filter: CheckedFollowFilter, perSecond: number, send: (events: readonly ToldEvent[], dropped: number) => Promise<void>): EventBatches {
    const wanted = filter.process === undefined || filter.process === this.place.id ? streamFilter(filter) : undefined;
    return new EventBatches({ events: wanted === undefined ? EMPTY : this.matching(wanted), filter, perSecond, told: (event) => toldEvent(event, this.redaction), send });
  }
}

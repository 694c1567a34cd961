import type { Observable, Subscription } from 'rxjs';
import type { StampedEvent } from '../../events/event-stamp.js';
import { Timer } from '../../time/timer.js';
import { type CheckedFollowFilter, isFollowed } from './follow-filter.js';
import type { ToldEvent } from './followed-event.js';

/** From the first event on, for so long others may join it. */
const BATCH_MS = 500;
const MOST_BATCH_BYTES = 64 * 1024;

export interface EventBatchesOptions {
  /** What happens here; cold where nobody else listens. */
  readonly events: Observable<StampedEvent>;
  readonly filter: CheckedFollowFilter;
  readonly perSecond: number;
  readonly told: (event: StampedEvent) => ToldEvent;
  /** Rejects where nobody was told. */
  readonly send: (events: readonly ToldEvent[], dropped: number) => Promise<void>;
}

/** Events of this process for one who follows, twice a second at most, and no more of them than it can take. What is left out is counted. */
export class EventBatches {
  /** May change while it works. */
  perSecond: number;
  private readonly subscription: Subscription;
  private waiting: ToldEvent[] = [];
  private waitingBytes = 0;
  private dropped = 0;
  private timer: Timer | undefined;

  constructor(private readonly options: EventBatchesOptions) {
    this.perSecond = options.perSecond;
    this.subscription = options.events.subscribe((event) => this.take(event));
  }

  /** What waits is not told any more. */
  stop(): void {
    this.subscription.unsubscribe();
    this.timer?.cancel();
    this.waiting = [];
  }

  /** No more is taken; what waits is told. Never rejects. */
  async end(): Promise<void> {
    const { waiting, dropped } = this;
    this.stop();
    if (waiting.length > 0) await this.options.send(waiting, dropped).catch(() => undefined);
  }

  /** An event costs a look at its name where there is no more room. */
  private take(event: StampedEvent): void {
    if (!isFollowed(this.options.filter, event)) return;
    this.timer ??= new Timer(BATCH_MS, () => this.flush());
    if (this.waiting.length >= Math.max(1, this.perSecond * BATCH_MS / 1_000) || this.waitingBytes >= MOST_BATCH_BYTES) {
      this.dropped++;
      return;
    }
    const told = this.options.told(event);
    this.waiting.push(told);
    this.waitingBytes += Buffer.byteLength(JSON.stringify(told));
  }

  private flush(): void {
    const { waiting, dropped } = this;
    this.timer = undefined;
    this.waiting = [];
    this.waitingBytes = 0;
    this.dropped = 0;
    // What did not reach anybody is told of with the next ones.
    this.options.send(waiting, dropped).catch(() => { this.dropped += waiting.length + dropped; });
  }
}

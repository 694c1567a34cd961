import type { Observable, Subscription } from 'rxjs';

/** A listener at work. @publicApi */
export interface EventListening {
  /** How many events it has missed, because too many waited for it. */
  readonly dropped: number;
  /** Hears nothing more; what waited is dropped. Idempotent. */
  stop(): void;
}

/** Hands events to a listener one at a time, and waits for its promise; nobody waits for the listener. */
export class QueuedListening<T> implements EventListening {
  dropped = 0;
  private readonly subscription: Subscription;
  private waiting: T[] = [];
  private busy = false;

  constructor(
    events: Observable<T>, private readonly listener: (event: T) => unknown, private readonly maxWaiting: number,
    private readonly onListenerError: (error: unknown) => void,
  ) {
    this.subscription = events.subscribe((event) => this.take(event));
  }

  stop(): void {
    this.subscription.unsubscribe();
    this.waiting = [];
  }

  private take(event: T): void {
    if (this.waiting.length >= this.maxWaiting) {
      this.dropped++;
      return;
    }
    this.waiting.push(event);
    if (!this.busy) void this.work();
  }

  private async work(): Promise<void> {
    this.busy = true;
    // Never inside of what is being reported.
    await Promise.resolve();
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) await this.tell(next);
    this.busy = false;
  }

  private async tell(event: T): Promise<void> {
    try {
      await this.listener(event);
    } catch (error) {
      this.onListenerError(error);
    }
  }
}

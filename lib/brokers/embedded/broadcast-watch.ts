import type { SignalSubscription } from '../broker.js';
import type { FoundBroadcast } from './broadcast-ring.js';
import type { Clock } from '../store/clock.js';

const LOOK_MS = 250;
/** After a broadcast of this process, which may be a question: its answers are not to wait. */
const HURRIED_LOOK_MS = 25;
const HURRY_MS = 2_000;

export interface BroadcastSource {
  /** `undefined` while it cannot be read. */
  last(): number | undefined;
  /** @see BroadcastStore.after */
  after(number: number): FoundBroadcast | undefined;
}

export interface BroadcastWatchHost {
  readonly clock: Clock;
  /** A listener threw. */
  failed(error: unknown): void;
  ended(watch: BroadcastWatch): void;
}

/** Looks at what those who share the store broadcast under one topic, one message after the other. */
export class BroadcastWatch implements SignalSubscription {
  private seen: number | undefined;
  private cancel: (() => void) | undefined;
  private hurriedUntil = 0;
  private stopped = false;
  private telling = false;

  constructor(private readonly source: BroadcastSource, private readonly onMessage: (message: Buffer) => void, private readonly host: BroadcastWatchHost) {
    this.seen = source.last();
    this.schedule();
  }

  look(): void {
    if (this.stopped || this.telling) return;
    // Whoever could not look when it began hears what comes from now on.
    if (this.seen === undefined) {
      this.seen = this.source.last();
      return;
    }
    const found = this.next(this.seen);
    if (found === undefined) return;
    this.seen = found.number;
    if (found.message !== undefined) this.tell(found.message);
  }

  /** What cannot be read is missed, as what came too early is. */
  private next(seen: number): FoundBroadcast | undefined {
    try {
      return this.source.after(seen);
    } catch (error) {
      this.seen = undefined;
      this.host.failed(error);
      return undefined;
    }
  }

  /** This process has broadcast something. */
  hurry(): void {
    this.hurriedUntil = this.host.clock.now() + HURRY_MS;
    this.look();
    this.schedule();
  }

  stop(): Promise<void> {
    this.stopped = true;
    this.cancel?.();
    this.host.ended(this);
    return Promise.resolve();
  }

  /** One at a time, each in a turn of its own: a flood of them keeps nothing else from running. */
  private tell(message: Buffer): void {
    this.telling = true;
    setImmediate(() => {
      this.telling = false;
      if (this.stopped) return;
      try {
        this.onMessage(message);
      } catch (error) {
        this.host.failed(error);
      }
      this.look();
    });
  }

  private schedule(): void {
    this.cancel?.();
    if (this.stopped) return;
    this.cancel = this.host.clock.look(this.host.clock.now() < this.hurriedUntil ? HURRIED_LOOK_MS : LOOK_MS, () => {
      this.look();
      this.schedule();
    });
  }
}

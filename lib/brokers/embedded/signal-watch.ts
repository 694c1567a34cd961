import type { SignalSubscription } from '../broker.js';
import type { Clock } from '../store/clock.js';

const LOOK_MS = 250;

/** Looks at a counter that whoever shares the store can raise. */
export class SignalWatch implements SignalSubscription {
  private seen: number | undefined;
  private cancel: (() => void) | undefined;
  private stopped = false;

  constructor(
    /** `undefined` while it cannot be read. */
    private readonly count: () => number | undefined,
    private readonly onSignal: () => void,
    private readonly clock: Clock,
    private readonly ended: (watch: SignalWatch) => void,
  ) {
    this.seen = count();
    this.schedule();
  }

  look(): void {
    const count = this.count();
    if (count === undefined || count === this.seen || this.stopped) return;
    this.seen = count;
    setImmediate(() => {
      if (!this.stopped) this.onSignal();
    });
  }

  stop(): Promise<void> {
    this.stopped = true;
    this.cancel?.();
    this.ended(this);
    return Promise.resolve();
  }

  private schedule(): void {
    this.cancel = this.clock.look(LOOK_MS, () => {
      this.look();
      if (!this.stopped) this.schedule();
    });
  }
}

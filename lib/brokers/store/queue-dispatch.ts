import type { QueueStore, TakenMessage } from './queue-store.js';

/** A consumer as its queue sees it. */
export interface DispatchTarget {
  /** How many more it may hold now. */
  free(): number;
  /** Must not throw. */
  receive(taken: TakenMessage): void;
}

/** So that a long queue leaves room for everything else that the process does. */
const MOST_PER_TURN = 512;

/**
 * Hands the messages of one queue to its consumers in this process, one after the other in turn.
 * Never inside somebody else's call: always from the event loop, at most once a turn.
 */
export class QueueDispatch {
  private readonly targets: DispatchTarget[] = [];
  private next = 0;
  private scheduled = false;
  private taking = false;
  private again = false;

  constructor(
    readonly queue: string,
    private readonly store: QueueStore,
  ) {}

  add(target: DispatchTarget): void {
    this.targets.push(target);
    this.store.interest(this.queue, this.targets.length);
    this.wake();
  }

  remove(target: DispatchTarget): void {
    const at = this.targets.indexOf(target);
    if (at < 0) return;
    this.targets.splice(at, 1);
    if (at < this.next) this.next -= 1;
    this.store.interest(this.queue, this.targets.length);
  }

  /** There may be something to hand out. Cheap to call. */
  readonly wake = (): void => {
    if (this.taking) this.again = true;
    else if (!this.scheduled && this.targets.length > 0) {
      this.scheduled = true;
      setImmediate(this.pump);
    }
  };

  private readonly pump = (): void => {
    this.scheduled = false;
    const wanted = this.free();
    if (wanted === 0) return;
    this.taking = true;
    this.again = false;
    this.store.take(this.queue, wanted, this.handOut);
  };

  private readonly handOut = (taken: readonly TakenMessage[], more: boolean): void => {
    for (const message of taken) {
      const target = this.nextTarget();
      // Its consumer has stopped while the store was looking.
      if (target === undefined) this.store.settle(message, 'untake');
      else target.receive(message);
    }
    this.taking = false;
    if (more || this.again) this.wake();
  };

  private free(): number {
    let free = 0;
    for (const target of this.targets) free += target.free();
    return Math.min(free, MOST_PER_TURN);
  }

  private nextTarget(): DispatchTarget | undefined {
    const { targets } = this;
    for (let tried = 0; tried < targets.length; tried++) {
      if (this.next >= targets.length) this.next = 0;
      const target = targets[this.next++]!;
      if (target.free() > 0) return target;
    }
    return undefined;
  }
}

import { DelayedHeap } from '../../lib/time/delayed-heap.js';
import type { ClockTimer, TimeSource } from '../../lib/time/clock.js';

interface Timer extends ClockTimer {
  dueAt: number;
  order: number;
  readonly callback: () => void;
  readonly everyMs: number | undefined;
  readonly owner: number;
  cleared: boolean;
}

export interface TimeHost {
  /** In whose process something runs now. */
  readonly current: number;
  /** A process that was killed calls nothing any more. */
  isAlive(owner: number): boolean;
  /** By how much the clock of that process is ahead of ours, in milliseconds. */
  skewOf(owner: number): number;
  /** Of the process that asks. */
  random(): number;
}

/** One virtual time for all processes of a simulation; each timer belongs to the process that has set it. */
export class SimulatedTime implements TimeSource {
  readonly isSteady = true;
  private readonly timers = new DelayedHeap<Timer>();
  private passedMs = 0;
  private order = 0;

  /** @param startMs milliseconds since 1970 */
  constructor(private readonly host: TimeHost, private readonly startMs: number) {}

  now = (): number => Math.floor(this.startMs + this.passedMs + this.host.skewOf(this.host.current));

  elapsed = (): number => this.passedMs;

  random = (): number => this.host.random();

  setTimeout(callback: () => void, ms: number): ClockTimer {
    return this.set(callback, ms);
  }

  setInterval(callback: () => void, ms: number): ClockTimer {
    return this.set(callback, ms, atLeast(ms));
  }

  setLook(callback: () => void, ms: number): ClockTimer {
    return this.set(callback, ms);
  }

  setAnswerTimeout(callback: () => void, ms: number): ClockTimer {
    return this.set(callback, ms);
  }

  clear(timer: ClockTimer): void {
    (timer as Timer).cleared = true;
  }

  /** When the next timer is due, by {@link elapsed}; `undefined`: none is set. */
  get nextAt(): number | undefined {
    for (let first = this.timers.peek(); first !== undefined; first = this.timers.peek()) {
      if (!first.cleared && this.host.isAlive(first.owner)) return first.dueAt;
      this.timers.pop();
    }
    return undefined;
  }

  /** Lets time pass until the next timer, which has to be there. Whose it is, and what it does. */
  next(): { readonly owner: number; run(): void } {
    const timer = this.timers.pop() as Timer;
    this.passedMs = Math.max(this.passedMs, timer.dueAt);
    if (timer.everyMs !== undefined) this.timers.push(Object.assign(timer, { dueAt: timer.dueAt + timer.everyMs, order: ++this.order }));
    return { owner: timer.owner, run: timer.callback };
  }

  /** How many timers this process has left. */
  timersOf(owner: number): number {
    return [...this.timers].filter((timer) => timer.owner === owner && !timer.cleared).length;
  }

  private set(callback: () => void, ms: number, everyMs?: number): ClockTimer {
    const timer: Timer = { dueAt: this.passedMs + atLeast(ms), order: ++this.order, callback, everyMs, owner: this.host.current, cleared: false, unref: () => timer };
    this.timers.push(timer);
    return timer;
  }
}

/** As Node does it: what is no positive number is a millisecond. */
function atLeast(ms: number): number {
  return ms >= 1 ? ms : 1;
}

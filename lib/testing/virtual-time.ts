import { DelayedHeap } from '../time/delayed-heap.js';
import { real } from './real-time.js';
import type { ClockTimer, TimeSource } from '../time/clock.js';

const FOLLOW_MS = 5;

interface Timer extends ClockTimer {
  dueAt: number;
  /** Of two that are due at the same time the one that was set first comes first. */
  order: number;
  readonly callback: () => void;
  /** Of one that calls again and again. */
  readonly everyMs: number | undefined;
  cleared: boolean;
  /** Of those that come when their time has passed, and not of those that look or wait for an answer. */
  readonly isOfTime: boolean;
}

/**
 * Time that stands still until it is moved. What is only to look or to tidy up comes once on the way to whatever is due
 * next, however often it would have come: nothing changes by itself meanwhile.
 */
export class VirtualTime implements TimeSource {
  readonly isSteady = true;
  /** No pause is shortened or spread: a retry comes when its policy says so. */
  readonly random = (): number => 0;
  /** How often a timer was set, ended or has called: where it stays the same, nothing happens here. */
  changes = 0;
  private readonly timers = new DelayedHeap<Timer>();
  private readonly looks = new DelayedHeap<Timer>();
  /** Somebody waits for an answer. */
  onWaiting: () => void = () => undefined;
  private readonly waiting = new DelayedHeap<Timer>();
  private order = 0;
  private passedMs = 0;
  private following: NodeJS.Timeout | undefined;

  /** @param startMs milliseconds since 1970 */
  constructor(private readonly startMs: number) {}

  now = (): number => Math.floor(this.startMs + this.passedMs);

  elapsed = (): number => this.passedMs;

  setTimeout(callback: () => void, ms: number): ClockTimer {
    return this.set(this.timers, callback, this.passedMs + atLeast(ms));
  }

  setInterval(callback: () => void, ms: number): ClockTimer {
    const everyMs = atLeast(ms);
    return this.set(this.timers, callback, this.passedMs + everyMs, everyMs);
  }

  setLook(callback: () => void, ms: number): ClockTimer {
    return this.set(this.looks, callback, this.passedMs + atLeast(ms));
  }

  /** Called at the next stillness. */
  setAnswerTimeout(callback: () => void, ms: number): ClockTimer {
    if (this.waiting.size === 0) this.onWaiting();
    return this.set(this.waiting, callback, this.passedMs + atLeast(ms));
  }

  /** Nothing can come any more that somebody waits for: they are told, as if their time had passed. True: there were some. */
  giveUpWaiting(): boolean {
    if (this.waiting.size === 0) return false;
    this.look(Infinity);
    const due: Timer[] = [];
    for (let next = this.waiting.pop(); next !== undefined; next = this.waiting.pop()) due.push(next);
    for (const timer of due) if (!timer.cleared) timer.callback();
    return true;
  }

  clear(timer: ClockTimer): void {
    (timer as Timer).cleared = true;
    if ((timer as Timer).isOfTime) this.changes++;
  }

  /** When the next timer is due, in milliseconds from now; `undefined` where none is set. */
  get nextMs(): number | undefined {
    skipCleared(this.timers);
    const next = this.timers.peek();
    return next === undefined ? undefined : Math.max(0, next.dueAt - this.passedMs);
  }

  /** Calls what is due within so many milliseconds and not later than the next timer. False: there was no timer, and all of the time has passed. */
  step(withinMs: number): boolean {
    const end = this.passedMs + withinMs;
    skipCleared(this.timers);
    const next = this.timers.peek();
    const isDue = next !== undefined && next.dueAt <= end;
    this.passedMs = Math.max(this.passedMs, isDue ? next.dueAt : end);
    this.look(this.passedMs);
    // A look may have ended it.
    if (isDue && this.timers.peek() === next && !next.cleared) this.call(this.timers.pop()!);
    return isDue;
  }

  /** From now on time passes as it does in the world. */
  follow(): void {
    if (this.following !== undefined) return;
    const [began, from] = [real.elapsed(), this.passedMs];
    this.following = real.setInterval(() => {
      const end = from + real.elapsed() - began;
      while (this.step(Math.max(0, end - this.passedMs)));
    }, FOLLOW_MS);
  }

  stopFollowing(): void {
    real.clearInterval(this.following);
    this.following = undefined;
  }

  private look(until: number): void {
    const due: Timer[] = [];
    for (let next = this.looks.peek(); next !== undefined && next.dueAt <= until; next = this.looks.peek()) due.push(this.looks.pop()!);
    for (const timer of due) if (!timer.cleared) timer.callback();
  }

  private call(timer: Timer): void {
    this.changes++;
    if (timer.everyMs !== undefined) this.timers.push(Object.assign(timer, { dueAt: timer.dueAt + timer.everyMs, order: ++this.order }));
    timer.callback();
  }

  private set(into: DelayedHeap<Timer>, callback: () => void, dueAt: number, everyMs?: number): ClockTimer {
    const isOfTime = into === this.timers;
    if (isOfTime) this.changes++;
    const timer: Timer = { dueAt, order: ++this.order, callback, everyMs, cleared: false, isOfTime, unref: () => timer };
    into.push(timer);
    return timer;
  }
}

/** As Node does it: what is no positive number is a millisecond. */
function atLeast(ms: number): number {
  return ms >= 1 ? ms : 1;
}

function skipCleared(timers: DelayedHeap<Timer>): void {
  while (timers.peek()?.cleared === true) timers.pop();
}

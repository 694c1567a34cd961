import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { milliseconds, type Duration } from './duration.js';
import type { VirtualTime } from './virtual-time.js';

/** More steps than any test means: something sets a timer again and again for no time at all. */
const MOST_STEPS = 10_000_000;

/** The time of the dispatchers under test: it stands still until it is moved. @publicApi */
export class TestingClock {
  private moving: Promise<void> = Promise.resolve();

  /** Made by `DispatcherTesting`. */
  constructor(private readonly time: VirtualTime, private readonly settled: () => Promise<void>) {}

  /** What time it is. */
  get now(): Date {
    return new Date(this.time.now());
  }

  /**
   * Lets so much time pass: delays, retries, schedules, expiries and timeouts that fall due come one after the other, each
   * when its time has come, and what follows from one has ended before the next.
   *
   * @throws ConfigurationError for what is no span of time
   */
  async advance(duration: Duration): Promise<void> {
    const ms = milliseconds(duration);
    return this.inTurn(() => this.pass(ms));
  }

  /** The same up to an instant. @throws ConfigurationError for one that has passed */
  async advanceTo(instant: Date | string): Promise<void> {
    const at = new Date(instant).getTime();
    if (Number.isNaN(at)) throw new ConfigurationError(`advanceTo takes a Date or an ISO 8601 text; found ${display(instant)}.`);
    return this.inTurn(() => {
      const ms = at - this.time.now();
      if (ms < 0) throw new ConfigurationError(`advanceTo(${new Date(at).toISOString()}): it is ${this.now.toISOString()} already, and time goes forward only.`);
      return this.pass(ms);
    });
  }

  /** Two at once would each let the other's time pass. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.moving.then(work);
    this.moving = done.catch(() => undefined);
    return done;
  }

  private async pass(ms: number): Promise<void> {
    await this.settled();
    const end = this.time.elapsed() + ms;
    for (let steps = 0; this.time.step(end - this.time.elapsed()); steps++) {
      if (steps >= MOST_STEPS) throw new ConfigurationError(`Time does not get on: ${MOST_STEPS} timers were due on the way, and it is ${this.now.toISOString()}.`);
      await this.settled();
    }
    await this.settled();
  }
}

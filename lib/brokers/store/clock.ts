import { clock } from '../../time/clock.js';
import { forwardClock } from '../../time/forward-clock.js';

/** Time as the embedded broker sees it; a parameter, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since 1970; never back, also where the machine's clock is set back. */
  now(): number;
  /** Milliseconds since 1970 as the machine's clock shows them: for comparing with what other processes wrote by it. */
  wall(): number;
  /** Runs once after that many milliseconds unless the returned function is called first. Must not keep the process alive. */
  after(ms: number, run: () => void): () => void;
  /** The same, or later: to look whether somebody else has changed something. */
  look(ms: number, run: () => void): () => void;
}

/** On the time of the library, from now on. */
export function makeClock(): Clock {
  return {
    now: forwardClock(clock.now, clock.elapsed),
    wall: clock.now,
    after: (ms, run) => {
      const timer = clock.setTimeout(run, ms).unref();
      return () => clock.clear(timer);
    },
    look: (ms, run) => {
      const timer = clock.setLook(run, ms).unref();
      return () => clock.clear(timer);
    },
  };
}

export const systemClock = makeClock();

/** Resolves when the promise has settled, either way, or the time is over. */
export function atMost(ms: number, promise: Promise<unknown>, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve);
    const done = (): void => {
      cancel();
      resolve();
    };
    promise.then(done, done);
  });
}

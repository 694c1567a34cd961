/** A timer that runs, as Node's are: kept alive until it is cleared or has run, and by itself keeping the process alive. */
export interface ClockTimer {
  /** Lets the process end while the timer runs. */
  unref(): this;
}

/** Where time comes from. There is one for the whole process, so that who holds it (a test) decides what time it is. */
export interface TimeSource {
  /** Milliseconds since 1970, as the machine's clock shows them: may be set, also back. */
  now(): number;
  /** Milliseconds since any start, by a clock that nobody sets and that never goes back. */
  elapsed(): number;
  /** Calls back once after that many milliseconds, at most 2,147,483,647. */
  setTimeout(callback: () => void, ms: number): ClockTimer;
  /** Calls back again and again, each time after that many milliseconds. */
  setInterval(callback: () => void, ms: number): ClockTimer;
  /** Ends a timer, of either kind; idempotent. */
  clear(timer: ClockTimer): void;
}

/** Looked up at each call, not kept: what has been put in the place of Node's functions, as test runners do, counts. */
export const systemTime: TimeSource = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  setInterval: (callback, ms) => setInterval(callback, ms),
  clear: (timer) => {
    // To Node both are the same; to a test runner that has put only one kind in the place of Node's they are not.
    clearTimeout(timer as NodeJS.Timeout);
    clearInterval(timer as NodeJS.Timeout);
  },
};

let source = systemTime;

/** The time and the timers of this library: nothing in it asks the machine itself. */
export const clock = {
  now: (): number => source.now(),
  elapsed: (): number => source.elapsed(),
  date: (): Date => new Date(source.now()),
  setTimeout: (callback: () => void, ms: number): ClockTimer => source.setTimeout(callback, ms),
  setInterval: (callback: () => void, ms: number): ClockTimer => source.setInterval(callback, ms),
  clear: (timer: ClockTimer | undefined): void => {
    if (timer !== undefined) source.clear(timer);
  },
  /** Resolves after that many milliseconds. */
  sleep: (ms: number): Promise<void> => new Promise((resolve) => void source.setTimeout(resolve, ms)),
};

/** Takes time from there from now on; timers that run stay where they are. Returns what takes this back. */
export function takeTimeFrom(other: TimeSource): () => void {
  const before = source;
  source = other;
  return () => {
    source = before;
  };
}

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
  /**
   * Calls back once after that many milliseconds or later: to look whether something has changed elsewhere, or to tidy
   * up. Nothing may depend on when it comes, so that whoever holds the time can skip what would find nothing.
   */
  setLook(callback: () => void, ms: number): ClockTimer;
  /**
   * Calls back once after that many milliseconds, for an answer that has not come meanwhile, of a broker or another
   * process. Whoever holds the time may call as soon as nothing can come any more.
   */
  setAnswerTimeout(callback: () => void, ms: number): ClockTimer;
  /** Ends a timer, of whatever kind; idempotent. */
  clear(timer: ClockTimer): void;
  /** From 0 up to 1, for pauses that are to differ between processes. */
  random(): number;
  /** Nobody sets this clock, and it does not sleep, as the machine's may: timers need not look at it in between. */
  readonly isSteady: boolean;
}

/** Looked up at each call, not kept: what has been put in the place of Node's functions, as test runners do, counts. */
export const systemTime: TimeSource = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  setInterval: (callback, ms) => setInterval(callback, ms),
  setLook: (callback, ms) => setTimeout(callback, ms),
  setAnswerTimeout: (callback, ms) => setTimeout(callback, ms),
  random: () => Math.random(),
  isSteady: false,
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
  /** From 0 up to 1: what chance decides belongs to whoever decides about time. */
  random: (): number => source.random(),
  date: (): Date => new Date(source.now()),
  setTimeout: (callback: () => void, ms: number): ClockTimer => source.setTimeout(callback, ms),
  setInterval: (callback: () => void, ms: number): ClockTimer => source.setInterval(callback, ms),
  setLook: (callback: () => void, ms: number): ClockTimer => source.setLook(callback, ms),
  setAnswerTimeout: (callback: () => void, ms: number): ClockTimer => source.setAnswerTimeout(callback, ms),
  /** How long a timer for such a wait may be, where the clock may be set or the machine may sleep meanwhile. */
  inParts: (ms: number, longestMs: number): number => (source.isSteady ? ms : Math.min(ms, longestMs)),
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

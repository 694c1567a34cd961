import type { Observable } from 'rxjs';

/** How long a wait may last unless it says otherwise: far more than a healthy machine needs. */
export const DEFAULT_LIMIT_MS = 20_000;

/** Something that happens once, and who waits for it. */
export class Signal<T = void> {
  readonly promise: Promise<T>;
  fire!: (value: T) => void;
  fail!: (error: Error) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.fire = resolve;
      this.fail = reject;
    });
    // A signal that nobody waits for any more may fail in silence.
    this.promise.catch(() => undefined);
  }

  within(limitMs: number, what: string): Promise<T> {
    return within(this.promise, limitMs, what);
  }
}

/** Rejects with a text that names `what`, once the limit has passed. */
export async function within<T>(promise: Promise<T>, limitMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${limitMs} ms in vain for: ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Things as they arrive; waits for a number of them, or for one that fits. */
export class Arrivals<T> {
  readonly all: T[] = [];
  private readonly waiting = new Set<() => void>();

  /** Bound, so that it can be given as a callback. */
  readonly add = (item: T): void => {
    this.all.push(item);
    this.look();
  };

  /** Bound too. Something else has changed that {@link until} was given. */
  readonly look = (): void => {
    for (const check of this.waiting) check();
  };

  async count(atLeast: number, limitMs = DEFAULT_LIMIT_MS, what = 'arrivals'): Promise<T[]> {
    await this.until(() => this.all.length >= atLeast, limitMs, () => `${atLeast} ${what}; there are ${this.all.length}`);
    return this.all;
  }

  async first(fits: (item: T) => boolean, what: string, limitMs = DEFAULT_LIMIT_MS): Promise<T> {
    await this.until(() => this.all.some(fits), limitMs, () => `${what}, among ${this.all.length} arrivals`);
    return this.all.find(fits) as T;
  }

  /** Checks after each arrival; costs nothing between them. */
  until(isDone: () => boolean, limitMs: number, describe: () => string): Promise<void> {
    if (isDone()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!isDone()) return;
        finish();
        resolve();
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`Waited ${limitMs} ms in vain for: ${describe()}`));
      }, limitMs);
      const finish = (): void => {
        clearTimeout(timer);
        this.waiting.delete(check);
      };
      this.waiting.add(check);
    });
  }
}

/** The first value that fits; rejects when the observable ends before, or the limit passes. */
export async function emission<T>(source: Observable<T>, fits: (value: T) => boolean, what: string, limitMs = DEFAULT_LIMIT_MS): Promise<T> {
  const signal = new Signal<T>();
  const subscription = source.subscribe({
    next: (value) => { if (fits(value)) signal.fire(value); },
    error: (error: Error) => signal.fail(error),
    complete: () => signal.fail(new Error(`It ended before: ${what}`)),
  });
  try {
    return await signal.within(limitMs, what);
  } finally {
    subscription.unsubscribe();
  }
}

/**
 * Asks again and again. Only for what cannot signal: the depth of a queue in a server, a file that
 * another process writes. Errors of the question count as "not yet"; the last one is in the text.
 */
export async function eventually<T>(
  ask: () => T | Promise<T>,
  fits: (answer: T) => boolean,
  what: string,
  { limitMs = DEFAULT_LIMIT_MS, everyMs = 25 } = {},
): Promise<T> {
  const deadline = Date.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (fits(answer)) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`Waited ${limitMs} ms in vain for: ${what}. The last answer was ${String(last)}`);
    await pause(everyMs);
  }
}

/** Lets time pass. Never to wait for something: for that there are signals. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

/** The promise's outcome, or a rejection with `tooLate()` once the time is over. What comes after that is ignored. */
export function within<T>(limitMs: number, promise: Promise<T>, tooLate: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(tooLate()), Math.max(0, limitMs));
    promise.then(
      (value) => { clearTimeout(timer); resolve(value); },
      (error: Error) => { clearTimeout(timer); reject(error); },
    );
  });
}

/** Resolves when the promise has settled, either way, or the time is over. */
export function atMost(limitMs: number, promise: Promise<unknown>): Promise<void> {
  return within<unknown>(limitMs, promise, () => new Error('too late')).then(() => undefined, () => undefined);
}

/** Resolves after that time, or at once when the signal aborts. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}

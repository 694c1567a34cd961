import { Timer } from '../../time/timer.js';

/** The promise's outcome, or a rejection with `tooLate()` once the time is over. What comes after that is ignored. */
export function within<T>(limitMs: number, promise: Promise<T>, tooLate: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = new Timer(limitMs, () => reject(tooLate()));
    promise.then(
      (value) => { timer.cancel(); resolve(value); },
      (error: Error) => { timer.cancel(); reject(error); },
    );
  });
}

/** Resolves when the promise has settled, either way, or the time is over. */
export function atMost(limitMs: number, promise: Promise<unknown>): Promise<void> {
  return within<unknown>(limitMs, promise, () => new Error('too late')).then(() => undefined, () => undefined);
}

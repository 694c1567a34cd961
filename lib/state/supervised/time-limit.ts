import { Timer } from '../../time/timer.js';

/**
 * The promise's outcome, or a rejection with `tooLate()` once the time is over, or at once when nobody waits for it any
 * more. What comes after that is ignored.
 *
 * @param ending aborted: nobody waits, and no timer is left
 */
export function within<T>(limitMs: number, promise: Promise<T>, tooLate: () => Error, ending?: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const settled = (act: () => void) => {
      timer.cancel();
      ending?.removeEventListener('abort', giveUp);
      act();
    };
    const giveUp = (): void => settled(() => reject(tooLate()));
    const timer = new Timer(limitMs, giveUp);
    ending?.addEventListener('abort', giveUp);
    promise.then((value) => settled(() => resolve(value)), (error: Error) => settled(() => reject(error)));
  });
}

/** Resolves when the promise has settled, either way, or the time is over. */
export function atMost(limitMs: number, promise: Promise<unknown>): Promise<void> {
  return within<unknown>(limitMs, promise, () => new Error('too late')).then(() => undefined, () => undefined);
}

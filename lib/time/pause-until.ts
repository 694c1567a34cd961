import { Timer } from './timer.js';

/** Resolves after the time, or as soon as the signal is aborted. */
export function pauseUntil(milliseconds: number, until: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (until.aborted) return resolve();
    const done = (): void => {
      timer.cancel();
      until.removeEventListener('abort', done);
      resolve();
    };
    const timer = new Timer(milliseconds, done);
    until.addEventListener('abort', done, { once: true });
  });
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

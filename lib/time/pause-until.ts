import { clock } from './clock.js';
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

/** The same, for what may come from elsewhere meanwhile: over as soon as nothing can come any more, where that is known. */
export function pauseForAnswers(milliseconds: number, until: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (until.aborted) return resolve();
    const done = (): void => {
      clock.clear(timer);
      until.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setAnswerTimeout(done, milliseconds);
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

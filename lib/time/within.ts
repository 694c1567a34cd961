import { clock, type ClockTimer } from './clock.js';

/**
 * The promise's outcome, or `undefined` once the time is up; a later rejection is then swallowed.
 * amqplib's own calls never settle on a half-open connection.
 */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: ClockTimer | undefined;
  const timeUp = new Promise<undefined>((resolve) => {
    timer = clock.setTimeout(() => resolve(undefined), Math.max(0, ms));
  });
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    clock.clear(timer);
    promise.catch(() => undefined);
  }
}

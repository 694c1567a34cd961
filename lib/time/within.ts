/**
 * The promise's outcome, or `undefined` once the time is up; a later rejection is then swallowed.
 * amqplib's own calls never settle on a half-open connection.
 */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms), undefined);
  });
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => undefined);
  }
}

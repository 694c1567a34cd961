/** Resolves after the time, or as soon as the signal is aborted. */
export function pauseUntil(milliseconds: number, until: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (until.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      until.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    until.addEventListener('abort', done, { once: true });
  });
}

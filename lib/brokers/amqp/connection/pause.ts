import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after the pause, or as soon as the signal is aborted: nobody waits for a pause at close. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

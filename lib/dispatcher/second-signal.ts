import { clock } from '../time/clock.js';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** A terminal and what has started the process may both send one: that is the first signal still. */
const SAME_MS = 1_000;

/**
 * Does the work, and meanwhile hears of a signal that says that somebody does not want to wait for it. Only of signals
 * to which the process listens already, as with `app.enableShutdownHooks()`: others end it, and are to go on doing so.
 *
 * @param since when the first signal, if there was one, had come, by `clock.elapsed()`
 */
export async function heedingSecondSignal<T>(since: number, onSignal: (signal: NodeJS.Signals) => void, work: () => Promise<T>): Promise<T> {
  const listener = (signal: NodeJS.Signals): void => {
    if (clock.elapsed() - since >= SAME_MS) onSignal(signal);
  };
  const heard = SIGNALS.filter((signal) => process.listenerCount(signal) > 0);
  for (const signal of heard) process.on(signal, listener);
  try {
    return await work();
  } finally {
    for (const signal of heard) process.off(signal, listener);
  }
}

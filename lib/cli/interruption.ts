import { InterruptedError } from './failures.js';
import { ExitCode } from './exit-code.js';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** `npx` and the terminal may both send one: that is the first still. */
const SAME_MS = 500;

/**
 * Ends work that somebody has interrupted: at the first signal in order, at the second at once.
 *
 * @param exit ends the process
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>, exit: (code: number) => void): Promise<T> {
  const stopper = new AbortController();
  let since: number | undefined;
  const listener = (signal: NodeJS.Signals): void => {
    if (since !== undefined && performance.now() - since > SAME_MS) exit(signal === 'SIGINT' ? ExitCode.interrupted : ExitCode.terminated);
    since ??= performance.now();
    stopper.abort(new InterruptedError(signal));
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  const aborted = new Promise<never>((_, reject) => {
    stopper.signal.addEventListener('abort', () => reject(stopper.signal.reason as InterruptedError), { once: true });
  });
  aborted.catch(() => undefined);
  try {
    return await Promise.race([work(stopper.signal), aborted]);
  } finally {
    for (const signal of SIGNALS) process.off(signal, listener);
  }
}

import type { StopWatching } from '../state/state-backend.js';
import { pauseUntil } from '../time/pause-until.js';
import { makeStopper } from '../time/stopper.js';

const SHORTEST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Looks again and again, ever more seldom while nothing changes, and tells what is new.
 *
 * @param same whether it has been told already
 */
export function pollFor<T>(look: () => Promise<T | undefined>, same: (one: T, other: T) => boolean, onNews: (news: T) => void, onError: (error: Error) => void): StopWatching {
  const stopper = makeStopper();
  const run = async (): Promise<void> => {
    let last: T | undefined;
    for (let pauseMs = SHORTEST_PAUSE_MS; !stopper.signal.aborted; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
      const found = await look();
      if (stopper.signal.aborted) return;
      if (found !== undefined && (last === undefined || !same(last, found))) {
        last = found;
        pauseMs = SHORTEST_PAUSE_MS;
        onNews(found);
      }
      await pauseUntil(pauseMs, stopper.signal);
    }
  };
  run().catch((error: unknown) => { if (!stopper.signal.aborted) onError(error as Error); });
  return () => stopper.abort();
}

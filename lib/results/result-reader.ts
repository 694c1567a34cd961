import { ResultWaitTimeoutError } from '../errors.js';
import { Timer } from '../time/timer.js';
import type { StopWatching } from '../state/state-backend.js';
import { isFinal, type TaskResult } from './task-result.js';

/** Where what became of tasks can be read: a store, or the replies that this process got. */
export interface ResultReader {
  /** All that is known of the task; `undefined` when nothing is, or nothing any more. */
  read(uuid: string): Promise<TaskResult | undefined>;
  /**
   * Calls back with what is known, soon, and after each change, until the returned function is called. Several changes
   * in a short time may be told as one; the last one is always told.
   *
   * @param onError once, and nothing more follows: it cannot be read
   * @param wants `end`: what happens on the way may be left out. Default: `all`.
   */
  watch(uuid: string, onResult: (result: TaskResult) => void, onError: (error: Error) => void, wants?: 'all' | 'end'): StopWatching;
}

/**
 * The record once the task has ended.
 *
 * @param closing the reason of its abort ends the wait
 * @throws ResultWaitTimeoutError when it has not after `timeoutMs`; the task goes on
 */
export function waitForEnd(reader: ResultReader, uuid: string, timeoutMs: number, closing: AbortSignal): Promise<TaskResult> {
  return new Promise((resolve, reject) => {
    let last: TaskResult | undefined;
    const watching: { stop?: StopWatching; over?: true } = {};
    const onClosing = (): void => finish(() => reject(closing.reason as Error));
    const timer = new Timer(timeoutMs, () => finish(() => reject(waitedInVain(uuid, timeoutMs, last))));
    const finish = (settle: () => void): void => {
      watching.over = true;
      timer.cancel();
      closing.removeEventListener('abort', onClosing);
      watching.stop?.();
      settle();
    };
    if (closing.aborted) return onClosing();
    closing.addEventListener('abort', onClosing);
    watching.stop = reader.watch(uuid, (result) => {
      last = result;
      if (isFinal(result.state)) finish(() => resolve(result));
    }, (error) => finish(() => reject(error)), 'end');
    // It may have been told inside the call.
    if (watching.over) watching.stop();
  });
}

function waitedInVain(uuid: string, timeoutMs: number, last: TaskResult | undefined): ResultWaitTimeoutError {
  const known = last === undefined ? 'nothing is recorded of it yet' : `it is "${last.state}" (attempt ${last.attempt})`;
  return new ResultWaitTimeoutError(
    `Task ${uuid} has not ended within ${timeoutMs} ms: ${known}. It goes on; ask again later, or wait longer (timeoutSeconds).`,
    { uuid, timeoutMs, state: last?.state });
}

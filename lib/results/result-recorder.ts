import { DispatcherError, ResultTooLargeError, ResultWaitTimeoutError } from '../errors.js';
import { decodeTaskResult, encodeTaskResult } from './result-codec.js';
import type { ResultBackend } from './result-backend.js';
import { advance, isFinal, newTaskResult, withoutValue, type TaskOutcome, type TaskResult, type TimelineEntry } from './task-result.js';

export interface ResultRecorderOptions {
  /** How long a record is kept after its last change, in milliseconds. */
  expiresInMs: number;
  /** The largest encoded value of a result, in bytes. */
  maxResultBytes?: number;
}

/** Two processes that write one record at the same time: each try sees the other's write, so few are ever needed. */
const MOST_CONFLICTS = 20;

/** What became of tasks, written once for every backend. */
export class ResultRecorder {
  constructor(private readonly backend: ResultBackend, private readonly options: ResultRecorderOptions) {}

  /**
   * Resolves when the entry is kept. May be repeated: a record that has ended stays as it is.
   *
   * @throws what the backend throws; the entry may have been kept all the same
   */
  async record(task: { uuid: string; name: string }, entry: TimelineEntry, outcome?: TaskOutcome): Promise<void> {
    const key = keyOf(task.uuid);
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const old = await this.backend.get(key);
      const before = (old && readable(old)) ?? newTaskResult(task.uuid, task.name);
      const after = advance(before, entry, outcome);
      if (after === before || await this.write(key, old, after)) return;
    }
    throw new DispatcherError('ERR_DISPATCHER_RESULT_CONFLICT',
      `The record of task ${task.uuid} was changed by others ${MOST_CONFLICTS} times while it was written. Are several tasks published under one uuid?`,
      { uuid: task.uuid }, { retryable: true });
  }

  /** All that is known of the task; `undefined` when nothing is, or nothing any more. */
  async read(uuid: string): Promise<TaskResult | undefined> {
    const bytes = await this.backend.get(keyOf(uuid));
    return bytes === undefined ? undefined : decodeTaskResult(bytes);
  }

  /**
   * The record once the task has ended.
   *
   * @throws ResultWaitTimeoutError when it has not after `timeoutMs`; the task goes on
   */
  wait(uuid: string, timeoutMs: number): Promise<TaskResult> {
    return new Promise((resolve, reject) => {
      let last: TaskResult | undefined;
      const stop = this.backend.watch(keyOf(uuid), (bytes) => {
        try {
          last = decodeTaskResult(bytes);
        } catch (error) {
          return finish(() => reject(error instanceof Error ? error : new Error(String(error))));
        }
        if (isFinal(last.state)) finish(() => resolve(last as TaskResult));
      });
      const timer = setTimeout(() => finish(() => reject(this.waitedInVain(uuid, timeoutMs, last))), timeoutMs);
      function finish(settle: () => void): void {
        clearTimeout(timer);
        stop();
        settle();
      }
    });
  }

  private async write(key: string, old: Buffer | undefined, result: TaskResult): Promise<boolean> {
    try {
      return await this.put(key, old, encodeTaskResult(result, this.options));
    } catch (error) {
      if (!(error instanceof ResultTooLargeError)) throw error;
      // What a backend cannot hold must not keep the task from ending.
      return this.put(key, old, encodeTaskResult(withoutValue(result, error.message), this.options));
    }
  }

  private async put(key: string, old: Buffer | undefined, value: Buffer): Promise<boolean> {
    const { expiresInMs } = this.options;
    if (old !== undefined) return this.backend.replaceIfEqual(key, old, value, { expiresInMs });
    return (await this.backend.setIfAbsent(key, value, { expiresInMs })).taken;
  }

  private waitedInVain(uuid: string, timeoutMs: number, last: TaskResult | undefined): ResultWaitTimeoutError {
    const known = last === undefined ? 'nothing is recorded of it yet' : `it is "${last.state}" (attempt ${last.attempt})`;
    return new ResultWaitTimeoutError(
      `Task ${uuid} has not ended within ${timeoutMs} ms: ${known}. It goes on; ask again later, or wait longer (timeoutSeconds).`,
      { uuid, timeoutMs, state: last?.state });
  }
}

/** Bytes that another program put there must not keep a task from ending. */
function readable(bytes: Buffer): TaskResult | undefined {
  try {
    return decodeTaskResult(bytes);
  } catch {
    return undefined;
  }
}

function keyOf(uuid: string): string {
  return `task:${uuid}`;
}

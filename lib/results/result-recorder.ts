import { DispatcherError, ResultTooLargeError } from '../errors.js';
import type { OutcomeRecorder, Reported } from './outcome-recorder.js';
import { decodeTaskResult, encodeTaskResult } from './result-codec.js';
import type { StateBackend, StopWatching } from '../state/state-backend.js';
import type { ResultReader } from './result-reader.js';
import { advance, newTaskResult, withoutValue, type TaskOutcome, type TaskResult, type TimelineEntry } from './task-result.js';

export interface ResultRecorderOptions {
  /** How long a record is kept after its last change, in milliseconds. */
  expiresInMs: number;
  /** The largest encoded value of a result, in bytes. */
  maxResultBytes?: number;
}

/** Two processes that write one record at the same time: each try sees the other's write, so few are ever needed. */
const MOST_CONFLICTS = 20;

/** What became of tasks in a store, written once for every backend, which is opened when it is first needed. */
export class ResultRecorder implements OutcomeRecorder, ResultReader {
  constructor(private readonly open: () => Promise<StateBackend>, private readonly options: ResultRecorderOptions) {}

  reaches(): boolean {
    return true;
  }

  /** A record that has ended stays as it is. @throws what the backend throws; it may have been kept all the same */
  async record(task: Reported, entries: readonly TimelineEntry[], outcome?: TaskOutcome): Promise<void> {
    const backend = await this.open();
    const key = keyOf(task.uuid);
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const old = await backend.get(key);
      const before = (old && readable(old)) ?? newTaskResult(task.uuid, task.name);
      const after = advance(before, entries, outcome);
      if (after === before || await this.write(backend, key, old, after)) return;
    }
    throw new DispatcherError('ERR_DISPATCHER_RESULT_CONFLICT',
      `The record of task ${task.uuid} was changed by others ${MOST_CONFLICTS} times while it was written. Are several tasks published under one uuid?`,
      { uuid: task.uuid }, { retryable: true });
  }

  async read(uuid: string): Promise<TaskResult | undefined> {
    const bytes = await (await this.open()).get(keyOf(uuid));
    return bytes === undefined ? undefined : decodeTaskResult(bytes);
  }

  watch(uuid: string, onResult: (result: TaskResult) => void, onError: (error: Error) => void): StopWatching {
    let stop: StopWatching | undefined;
    let stopped = false;
    const end = (): void => {
      stopped = true;
      stop?.();
    };
    const fail = (error: unknown): void => {
      if (stopped) return;
      end();
      onError(error instanceof Error ? error : new Error(String(error)));
    };
    const read = (bytes: Buffer): void => {
      let result: TaskResult;
      try {
        result = decodeTaskResult(bytes);
      } catch (error) {
        return fail(error);
      }
      if (!stopped) onResult(result);
    };
    this.open().then((backend) => {
      if (!stopped) stop = backend.watch(keyOf(uuid), read);
    }).catch(fail);
    return end;
  }

  private async write(backend: StateBackend, key: string, old: Buffer | undefined, result: TaskResult): Promise<boolean> {
    try {
      return await this.put(backend, key, old, encodeTaskResult(result, this.options));
    } catch (error) {
      if (!(error instanceof ResultTooLargeError)) throw error;
      // What a backend cannot hold must not keep the task from ending.
      return this.put(backend, key, old, encodeTaskResult(withoutValue(result, error.message), this.options));
    }
  }

  private async put(backend: StateBackend, key: string, old: Buffer | undefined, value: Buffer): Promise<boolean> {
    const { expiresInMs } = this.options;
    if (old !== undefined) return backend.replaceIfEqual(key, old, value, { expiresInMs });
    return (await backend.setIfAbsent(key, value, { expiresInMs })).taken;
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

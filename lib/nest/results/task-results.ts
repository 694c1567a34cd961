import { ConfigurationError } from '../../errors.js';
import type { ResultRecorder } from '../../results/result-recorder.js';
import type { TaskResult } from '../../results/task-result.js';
import { resultOf } from './result-of.js';

/** How long to wait for a result. @publicApi */
export interface ResultOptions {
  /** Default: 30. The task goes on when it is over. */
  timeoutSeconds?: number;
}

/** A published task, asked about from any process that has the same result backend. @publicApi */
export interface TaskHandle {
  readonly uuid: string;
  /**
   * State, timeline with times and workers, attempt, and the outcome once it has ended. `undefined`: nothing
   * is recorded, because no result was asked for, nobody has started the task yet, or the record has expired.
   */
  state(): Promise<TaskResult | undefined>;
  /**
   * What the handler returned, once the task has ended.
   *
   * @throws TaskFailedError when it failed, with the handler's error as `cause`
   * @throws ResultWaitTimeoutError when it has not ended in time
   */
  result(options?: ResultOptions): Promise<unknown>;
}

const DEFAULT_WAIT_SECONDS = 30;

/** The dispatcher's view of its result backend. */
export class TaskResults {
  constructor(private readonly recorder: ResultRecorder | undefined, private readonly ready: () => Promise<void>) {}

  /** @throws ConfigurationError where no result backend is configured */
  handle(uuid: string): TaskHandle {
    const recorder = this.required();
    return {
      uuid,
      state: async () => {
        await this.ready();
        return recorder.read(uuid);
      },
      result: async ({ timeoutSeconds = DEFAULT_WAIT_SECONDS } = {}) => {
        await this.ready();
        return resultOf(await recorder.wait(uuid, timeoutSeconds * 1000));
      },
    };
  }

  private required(): ResultRecorder {
    if (this.recorder !== undefined) return this.recorder;
    throw new ConfigurationError(
      "Results need a result backend. Write resultBackend: 'redis://localhost:6379/0' (or mongodb:, memcache:, embedded:) in DispatcherModule.forRoot.",
      { option: 'resultBackend' });
  }
}

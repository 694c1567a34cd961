import type { Observable } from 'rxjs';
import type { MessageProperties } from '../../brokers/broker.js';
import { DispatcherError, PublishTimeoutError, ShutdownError } from '../../errors.js';
import { waitForEnd } from '../../results/result-reader.js';
import type { TaskResult } from '../../results/task-result.js';
import { Header } from '../../task/headers.js';
import { numberFromZero } from '../../task/option-kinds.js';
import { checkOptions, requireText } from '../../task/options.js';
import type { AddressedTask, Task } from '../../task/task.js';
import type { ResultsOf } from '../../worker/result-keeper.js';
import { reportsOf, type Report } from './reports.js';
import { resultOf } from './result-of.js';
import type { ResultRoute } from './result-route.js';
import { makeStopper } from '../../time/stopper.js';

/** How long to wait for a result. @publicApi */
export interface ResultOptions {
  /** Default: 30. The task goes on when it is over. */
  timeoutSeconds?: number;
}

/** A published task, asked about by its uuid. @publicApi */
export interface TaskHandle<Value = unknown> {
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
  result(options?: ResultOptions): Promise<Value>;
  /**
   * What has happened to it, and what happens, up to its end. A failure is the final report, and then the error
   * (TaskFailedError) of the Observable. It has no limit of its own in time: see `timeout` of rxjs. Where results come
   * straight from the worker, progress stops with the last subscriber, and goes on with the next one.
   */
  reports(): Observable<Report<Value>>;
}

const DEFAULT_WAIT_SECONDS = 30;

/** Asking for results, and getting them, whichever way they come. */
export class TaskResults {
  /** Names of tasks whose handlers in this process say that their results are always wanted. */
  private readonly wanted = new Set<string>();
  private readonly closing = makeStopper();

  constructor(private readonly route: ResultRoute, private readonly resultsOf: ResultsOf, private readonly ready: () => Promise<void>) {
  }

  /** The result of each task of this name is asked for. */
  want(name: string): void {
    this.wanted.add(name);
  }

  /** Called for every task: it only looks at what is at hand. */
  isAsked({ name, headers }: Pick<Task, 'name' | 'headers'>): boolean {
    return headers?.[Header.result] === true || this.resultsOf === 'all' || (this.wanted.size > 0 && this.wanted.has(name));
  }

  /** The same, or it is told of anyhow. */
  isTold(task: AddressedTask): boolean {
    return this.isAsked(task) || this.route.tells?.(task) === true;
  }

  /** Sends a task whose result is asked for. */
  async send(task: Task, properties: MessageProperties, publish: () => Promise<void>): Promise<void> {
    await this.route.ask(task, properties);
    try {
      await publish();
    } catch (error) {
      // After a timeout it may run all the same.
      if (!(error instanceof PublishTimeoutError)) this.route.refused(task);
      throw error;
    }
    this.route.accepted(task);
  }

  /** Its result is looked for where its format says. */
  remember(task: AddressedTask): void {
    this.route.remember?.(task);
  }

  withdraw(uuid: string): void {
    this.route.withdraw(uuid);
  }

  /** @throws ConfigurationError where nothing can be known of it in this process */
  handle(uuid: string): TaskHandle {
    requireText(uuid, 'The uuid of the task that is asked about');
    this.route.check(uuid);
    return {
      uuid,
      state: async () => {
        await this.ready();
        return this.route.reader.read(uuid);
      },
      result: async (options) => resultOf(await this.end(uuid, options)),
      reports: () => this.reports(uuid),
    };
  }

  /** What is recorded of it; `undefined` also where this process cannot know. */
  async record(uuid: string): Promise<TaskResult | undefined> {
    return this.canTell(uuid) ? this.handle(uuid).state() : undefined;
  }

  async end(uuid: string, options?: ResultOptions): Promise<TaskResult> {
    const { timeoutSeconds = DEFAULT_WAIT_SECONDS } = checkOptions<ResultOptions>(options, { timeoutSeconds: numberFromZero }, { of: 'result', example: '{ timeoutSeconds: 60 }' });
    await this.ready();
    return waitForEnd(this.route.reader, uuid, timeoutSeconds * 1000, this.closing.signal);
  }

  reports(uuid: string, published?: { name: string; at: number }): Observable<Report> {
    return reportsOf({
      reader: this.route.reader, uuid, closing: this.closing.signal, published: published && { state: 'published', ...published },
    });
  }

  /** Whether what becomes of this task, which another may have published, can be known here. */
  canTell(uuid: string): boolean {
    try {
      this.route.check(uuid);
      return true;
    } catch {
      return false;
    }
  }

  /** @throws DispatcherError where a task was published without asking, and nothing will come */
  checkAsked(uuid: string, asked: boolean): void {
    if (asked || !this.route.onlyAsked) return;
    throw new DispatcherError('ERR_DISPATCHER_RESULT_NOT_ASKED',
      `The result of task ${uuid} was not asked for when it was published, so nobody reports it. Publish it with result: true. That its handler says so, @Task(name, { result: true }), `
      + 'is enough only where the publishing process has that class among its providers, or sends by client(Class).', { uuid });
  }

  close(): void {
    this.closing.abort(new ShutdownError('The dispatcher is closing; nobody waits for results any more.'));
    this.route.close();
  }
}

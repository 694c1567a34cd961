import { textOf } from '../../task/error-text.js';
import type { TaskHeaders } from '../../task/task.js';
import { DispatcherError, StepError } from '../../errors.js';
import type { TaskContext, TaskLogger } from '../../worker/task-context.js';
import type { TaskState } from '../../worker/task-state.js';
import { checkProgress } from '../../worker/progress.js';
import { NOTES_EVERY_MS } from '../../worker/run-reports.js';
import { canCross, type ThreadCall, type ThreadNotice } from './thread-messages.js';

/** The context of a task inside its thread: a copy of the facts, a signal and a logger that reach across. */
export class ThreadTaskContext implements TaskContext {
  readonly uuid: string;
  readonly name: string;
  readonly attempt: number;
  readonly redelivered: boolean;
  readonly headers: Readonly<TaskHeaders>;
  readonly queue: string;
  readonly worker: string;
  readonly state: TaskState;
  readonly logger: TaskLogger;
  /** The handler begins: from now on its time counts. */
  readonly start: () => void;
  private readonly controller = new AbortController();
  private readonly send: (notice: ThreadNotice) => void;
  private latest: Extract<ThreadNotice, { kind: 'progress' }> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor({ facts, port }: ThreadCall) {
    this.uuid = facts.uuid;
    this.name = facts.name;
    this.attempt = facts.attempt;
    this.redelivered = facts.redelivered;
    this.headers = facts.headers;
    this.queue = facts.queue;
    this.worker = facts.worker;
    this.state = facts.state;
    const send = (this.send = (notice: ThreadNotice): void => port.postMessage(notice));
    this.logger = {
      log: (message) => send({ kind: 'log', level: 'log', message: textOf(message) }),
      warn: (message) => send({ kind: 'log', level: 'warn', message: textOf(message) }),
      error: (message, stack) => send({ kind: 'log', level: 'error', message: textOf(message), stack: stack === undefined ? undefined : textOf(stack) }),
      debug: (message) => send({ kind: 'log', level: 'debug', message: textOf(message) }),
    };
    port.on('message', ({ name, message, code }: { name: string; message: string; code?: string }) => {
      const reason = new DispatcherError(code ?? 'ERR_DISPATCHER_ABORTED', message);
      reason.name = name;
      this.controller.abort(reason);
    });
    this.start = () => send({ kind: 'started' });
  }

  get signal(): AbortSignal { return this.controller.signal; }

  /** A message for each call would cost more than the work. */
  progress(fraction: number, data?: unknown): void {
    checkProgress(this.name, fraction);
    this.latest = { kind: 'progress', fraction, data };
    this.timer ??= setTimeout(() => this.tellProgress(), NOTES_EVERY_MS);
  }

  step(): Promise<never> { return this.noSteps('step'); }
  sleep(): Promise<never> { return this.noSteps('sleep'); }
  waitFor(): Promise<never> { return this.noSteps('waitFor'); }

  /** What is shared is reached from the main thread alone. */
  private noSteps(call: string): Promise<never> {
    return Promise.reject(new StepError(`context.${call} cannot be called in a thread. Make "${this.name}" a task without thread: true, and what needs a thread a task of its own, or let one of its steps call it.`, { task: this.name }));
  }

  /** The last one, before the handler's end is told. */
  tellProgress(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { latest } = this;
    this.latest = undefined;
    if (latest !== undefined) this.send(canCross(latest.data) ? latest : { ...latest, data: undefined });
  }
}

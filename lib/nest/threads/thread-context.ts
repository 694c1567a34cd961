import type { TaskHeaders } from '../../task/task.js';
import { DispatcherError } from '../../errors.js';
import type { TaskContext, TaskLogger } from '../../worker/task-context.js';
import type { TaskState } from '../../worker/task-state.js';
import type { ThreadCall, ThreadNotice } from './thread-messages.js';

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

  constructor({ facts, port }: ThreadCall) {
    this.uuid = facts.uuid;
    this.name = facts.name;
    this.attempt = facts.attempt;
    this.redelivered = facts.redelivered;
    this.headers = facts.headers;
    this.queue = facts.queue;
    this.worker = facts.worker;
    this.state = facts.state;
    const send = (notice: ThreadNotice): void => port.postMessage(notice);
    this.logger = {
      log: (message) => send({ kind: 'log', level: 'log', message }),
      warn: (message) => send({ kind: 'log', level: 'warn', message }),
      error: (message, stack) => send({ kind: 'log', level: 'error', message, stack }),
      debug: (message) => send({ kind: 'log', level: 'debug', message }),
    };
    port.on('message', ({ name, message, code }: { name: string; message: string; code?: string }) => {
      const reason = new DispatcherError(code ?? 'ERR_DISPATCHER_ABORTED', message);
      reason.name = name;
      this.controller.abort(reason);
    });
    this.start = () => send({ kind: 'started' });
  }

  get signal(): AbortSignal { return this.controller.signal; }
}

import { textOf } from '../../task/error-text.js';
import { ignoreRejection } from '../../task/rejections.js';
import type { TaskLogger } from '../../worker/task-context.js';
import type { LogTarget } from './log-target.js';
import { oneLine } from './text.js';

/**
 * Writes to the configured logger, one line each. A logger that fails must not stop a task, so what it throws, or its
 * promise rejects with, is dropped: there is nowhere left to say it.
 */
export class DispatcherLogger {
  constructor(private readonly target: LogTarget) {}

  log(message: string): void {
    this.write(() => this.target.log(oneLine(message)));
  }

  warn(message: string): void {
    this.write(() => this.target.warn(oneLine(message)));
  }

  error(message: string, stack?: string): void {
    this.write(() => this.target.error(oneLine(message), ...(stack === undefined ? [] : [stack])));
  }

  debug(message: string): void {
    this.write(() => this.target.debug?.(oneLine(message)));
  }

  /** A logger whose lines name this task. Its messages are a user's, and may be anything. */
  forTask(name: string, uuid: string): TaskLogger {
    const prefix = `[${name} ${uuid}] `;
    return {
      log: (message) => this.log(prefix + textOf(message)),
      warn: (message) => this.warn(prefix + textOf(message)),
      error: (message, stack) => this.error(prefix + textOf(message), stack),
      debug: (message) => this.debug(prefix + textOf(message)),
    };
  }

  private write(line: () => unknown): void {
    try {
      ignoreRejection(line());
    } catch {
      // See the class.
    }
  }
}

import { Logger, type LoggerService } from '@nestjs/common';
import type { TaskLogger } from '../worker/task-context.js';
import { oneLine } from './text.js';

/**
 * Writes to the configured logger, one line each. A logger that throws must not stop a task, so what it
 * throws is dropped: there is nowhere left to say it.
 */
export class DispatcherLogger {
  private readonly target: LoggerService;

  constructor(logger: LoggerService | undefined, dispatcherName: string) {
    this.target = logger ?? new Logger(dispatcherName === 'default' ? 'Dispatcher' : `Dispatcher:${dispatcherName}`);
  }

  log(message: string): void {
    this.write(() => { this.target.log(oneLine(message)); });
  }

  warn(message: string): void {
    this.write(() => { this.target.warn(oneLine(message)); });
  }

  error(message: string, stack?: string): void {
    this.write(() => { this.target.error(oneLine(message), ...(stack === undefined ? [] : [stack])); });
  }

  debug(message: string): void {
    this.write(() => { this.target.debug?.(oneLine(message)); });
  }

  /** A logger whose lines name this task. */
  forTask(name: string, uuid: string): TaskLogger {
    const prefix = `[${name} ${uuid}] `;
    return {
      log: (message) => this.log(prefix + message),
      warn: (message) => this.warn(prefix + message),
      error: (message, stack) => this.error(prefix + message, stack),
      debug: (message) => this.debug(prefix + message),
    };
  }

  private write(line: () => void): void {
    try {
      line();
    } catch {
      // See the class.
    }
  }
}

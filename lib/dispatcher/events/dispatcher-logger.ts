import { textOf } from '../../task/error-text.js';
import { ignoreRejection } from '../../task/rejections.js';
import type { TaskLogger } from '../../worker/task-context.js';
import type { LogTarget } from './log-target.js';
import { oneLine } from './text.js';

type Level = 'log' | 'warn' | 'error' | 'debug';

/** A log with fields: each line is an object with its text under this name. */
export interface LogFields {
  readonly messageKey: string;
}

/**
 * Writes to the configured logger, one line each: a text, or an object where the log has fields. A logger that fails must
 * not stop a task, so what it throws, or its promise rejects with, is dropped: there is nowhere left to say it.
 */
export class DispatcherLogger {
  constructor(private readonly target: LogTarget, private readonly fields?: LogFields) {}

  log(message: string): void {
    this.write('log', message);
  }

  warn(message: string): void {
    this.write('warn', message);
  }

  error(message: string, stack?: string): void {
    this.write('error', message, stack);
  }

  debug(message: string): void {
    this.write('debug', message);
  }

  /** @param fields made only where the log has fields */
  write(level: Level, message: string, stack?: string, fields?: () => object): void {
    try {
      ignoreRejection(this.fields === undefined ? this.writeText(level, message, stack) : this.target[level]?.(this.line(this.fields, message, stack, fields)));
    } catch {
      // See the class.
    }
  }

  /** A logger whose lines name this task. Its messages are a user's, and may be anything. */
  forTask(name: string, uuid: string, fields?: () => object): TaskLogger {
    const prefix = this.fields === undefined ? `[${name} ${uuid}] ` : '';
    const of = (): object => ({ task: { uuid, name }, ...fields?.() });
    return {
      log: (message) => this.write('log', prefix + textOf(message), undefined, of),
      warn: (message) => this.write('warn', prefix + textOf(message), undefined, of),
      error: (message, stack) => this.write('error', prefix + textOf(message), stack, of),
      debug: (message) => this.write('debug', prefix + textOf(message), undefined, of),
    };
  }

  private writeText(level: Level, message: string, stack: string | undefined): unknown {
    const line = oneLine(message);
    return stack === undefined ? this.target[level]?.(line) : this.target[level]?.(line, stack);
  }

  /** An object: what writes it as JSON keeps it in one line, whatever is in it. */
  private line({ messageKey }: LogFields, message: string, stack: string | undefined, fields: (() => object) | undefined): object {
    const own = fields?.() ?? {};
    return { [messageKey]: oneLine(message), ...own, ...(stack === undefined || 'error' in own ? {} : { stack }) };
  }
}

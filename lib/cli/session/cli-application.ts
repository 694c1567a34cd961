import type { Application } from '../../dispatcher/application.js';
import type { LogTarget } from '../../dispatcher/events/log-target.js';
import { toJson } from '../output/json.js';
import { printable } from '../output/text.js';
import type { Terminal } from '../terminal.js';

/** A dispatcher without handlers, tasks or modules. */
export function cliApplication(logger: LogTarget): Application {
  return {
    discover: () => new Map(), tasks: () => [], features: () => [], moduleCount: () => 0, isLoading: () => false, find: () => ({}), logger,
    threads: { close: () => Promise.resolve() },
  };
}

/** What goes wrong on the way is told on standard error; the rest where it is wanted. */
export class StderrLog implements LogTarget {
  /** Until it is connected, what fails is the failure of the command, and told as that. */
  isConnected = false;

  constructor(private readonly stderr: Terminal['stderr'], private readonly options: { readonly verbose: boolean; readonly json: boolean }) {}

  error(message: unknown): void {
    if (this.options.verbose) this.write('error', message);
  }

  warn(message: unknown): void {
    if (this.options.verbose || this.isConnected) this.write('warning', message);
  }

  log(message: unknown): void {
    if (this.options.verbose) this.write('log', message);
  }

  debug(message: unknown): void {
    if (this.options.verbose) this.write('debug', message);
  }

  private write(level: string, message: unknown): void {
    this.stderr.write(this.options.json ? `${toJson({ [level]: String(message) })}\n` : `${level}: ${printable(message)}\n`);
  }
}

/** Where lines of a log go. Any Nest `LoggerService` is one. @publicApi */
export interface LogTarget {
  log(message: unknown, ...more: unknown[]): unknown;
  warn(message: unknown, ...more: unknown[]): unknown;
  error(message: unknown, ...more: unknown[]): unknown;
  debug?(message: unknown, ...more: unknown[]): unknown;
}

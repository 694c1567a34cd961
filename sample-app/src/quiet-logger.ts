import { ConsoleLogger } from '@nestjs/common';

/** Nest's own account of its start: some thirty lines that say nothing about tasks. */
const CHATTER = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestApplication']);

/** Nest's logger without the chatter; warnings and errors all come through. */
export class QuietLogger extends ConsoleLogger {
  override log(message: unknown, ...rest: unknown[]): void {
    if (!CHATTER.has(rest.at(-1) as string)) super.log(message, ...rest as string[]);
  }

  /** What keeps the app from starting is told once, by main, in words for people. */
  override error(message: unknown, ...rest: unknown[]): void {
    if (rest.at(-1) !== 'ExceptionHandler') super.error(message, ...rest as string[]);
  }
}

import { Logger } from '@nestjs/common';
import { DEFAULT_DISPATCHER } from './dispatcher-token.js';

/** Nest's own logger, whose lines say which dispatcher speaks. */
export function nestLogger(dispatcherName: string): Logger {
  return new Logger(dispatcherName === DEFAULT_DISPATCHER ? 'Dispatcher' : `Dispatcher:${dispatcherName}`);
}

import type { ArgumentsHost } from '@nestjs/common';
import { DISPATCHER_CONTEXT } from './task-pipeline.js';

/**
 * True while a task runs, for guards, interceptors and filters that serve HTTP too. `getArgs()` has the
 * task's arguments then, and `currentTask()` its context.
 *
 * @publicApi
 */
export function isDispatcherContext(host: ArgumentsHost): boolean {
  return host.getType<string>() === DISPATCHER_CONTEXT;
}

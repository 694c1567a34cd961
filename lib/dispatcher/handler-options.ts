import type { Handler, RunOptions } from '../worker/handler.js';
import { TaskLimits } from '../worker/limits/task-limits.js';
import type { RunMiddleware } from '../worker/middleware.js';
import { runOptionsOf } from './config/task-options.js';
import { resolveMiddlewares, type FindProvider } from './resolve-middleware.js';

/** What a handler has of the checked options of its task, whoever makes it. @throws ConfigurationError for a middleware that cannot be had */
export function handlerOptions(name: string, options: RunOptions, where: string, find: FindProvider): Omit<Handler, 'name' | 'run'> {
  const { limits, middleware, batch: _, ...plain } = runOptionsOf(options);
  return {
    ...plain,
    limits: limits && new TaskLimits(name, limits),
    middleware: resolveMiddlewares<RunMiddleware>(middleware, 'run', `middleware of ${where}`, find),
  };
}

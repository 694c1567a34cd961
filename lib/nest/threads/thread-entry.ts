import { workerData } from 'node:worker_threads';
import type { LoggerService } from '@nestjs/common';
import { ConfigurationError, DispatcherError } from '../../errors.js';
import type { Handler } from '../../worker/handler.js';
import { takenName } from '../../worker/versions.js';
import { taskStorage } from '../../worker/task-context.js';
import type { EnhancerScope } from '../../dispatcher/config/server-config.js';
import { ThreadTaskContext } from './thread-context.js';
import { threadHandlers } from './thread-handlers.js';
import { canCross, packThrown, type ThreadCall, type ThreadOutcome } from './thread-messages.js';

/** The file that each thread of the pool loads. */

/** A module that starts no faster than this is not going to. */
const START_LIMIT_MS = 60_000;

const { modulePath, scope } = workerData as { modulePath: string; scope: EnhancerScope };
let handlers: Promise<ReadonlyMap<string, Handler>> | undefined;

/** Called for each task, once at a time. Never rejects: how it ended is data. */
export default async function runInThread(call: ThreadCall): Promise<ThreadOutcome> {
  const context = new ThreadTaskContext(call);
  try {
    const handler = await handlerOf(context, call.version);
    context.start();
    const value: unknown = await taskStorage.run(context, () => handler.run(call.args, context));
    if (!canCross(value)) throw uncopied(context.name);
    return { ok: true, value };
  } catch (error) {
    return { ok: false, thrown: packThrown(error) };
  } finally {
    context.tellProgress();
    call.port.close();
  }
}

async function handlerOf({ name, logger }: ThreadTaskContext, version: number): Promise<Handler> {
  handlers ??= started(logger);
  // What failed is tried again by the next task.
  handlers.catch(() => { handlers = undefined; });
  const handler = (await handlers).get(takenName(name, version));
  if (handler !== undefined) return handler;
  throw new ConfigurationError(`The module of threads ("${modulePath}") has no provider with @Task('${name}', { ${version === 1 ? '' : `version: ${version}, `}thread: true }). Add it to the module's providers.`, { task: name });
}

async function started(logger: ThreadTaskContext['logger']): Promise<ReadonlyMap<string, Handler>> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DispatcherError('ERR_DISPATCHER_THREAD_START', `The Nest context of a thread did not start within ${START_LIMIT_MS / 1000} s ("${modulePath}").`)), START_LIMIT_MS);
  });
  try {
    return await Promise.race([threadHandlers(modulePath, scope, nestLogger(logger)), limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Nest's lines about its start are of interest only where they complain. */
function nestLogger(logger: ThreadTaskContext['logger']): LoggerService {
  return { log: () => undefined, warn: (message) => logger.warn(String(message)), error: (message, stack) => logger.error(String(message), typeof stack === 'string' ? stack : undefined) };
}

function uncopied(task: string): DispatcherError {
  return new DispatcherError('ERR_DISPATCHER_THREAD_RESULT',
    `The result of task "${task}" cannot leave its thread: it has a function or something else that cannot be copied. Return data.`, { task });
}

import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import type { BatchMiddleware } from '../worker/batches/batch-call.js';
import type { RunMiddleware } from '../worker/middleware.js';
import { refuseUnknown, requireObject } from './config/config-checks.js';
import type { TaskKeeper } from './publishing/kept-task.js';
import type { PublishMiddleware } from './publishing/publish-middleware.js';
import type { Publishing } from './publishing/publishing.js';
import type { RunMiddlewares } from './run-middleware.js';

/** What is put around a dispatcher by whoever observes or extends it, see `DispatcherService.use`. @publicApi */
export interface DispatcherExtension {
  /** Around every publish, steps of workflows and ticks of schedules included; outside of the middleware of the configuration. */
  publish?: PublishMiddleware;
  /** Around every task of every worker, outside of the middleware of the configuration. */
  run?: RunMiddleware;
  /** Around the calls of batch handlers, each of which is for many tasks; `run` is around each of these. */
  batch?: BatchMiddleware;
  /**
   * Asked at each publish, inside of all middleware: whoever answers with a function keeps the task, and sends it later by
   * `DispatcherService.sendKept`. One dispatcher has one.
   */
  keep?: TaskKeeper;
  /** Around the handlers of tasks with `inbox: true`, inside of all other middleware. One dispatcher has one. */
  inbox?: RunMiddleware;
  /** `true`: messages say when they were published, so that whoever runs one knows how long it has waited (`task.started`). Costs a header. */
  stampPublished?: boolean;
}

const PARTS: readonly (keyof DispatcherExtension)[] = ['publish', 'run', 'batch', 'keep', 'inbox', 'stampPublished'];
const FUNCTIONS = ['publish', 'run', 'batch', 'keep', 'inbox'] as const;
const EXAMPLE = '{ publish: (task, next) => next(), run: (context, next) => next() }';

export interface Extended {
  readonly publishing: Pick<Publishing, 'use' | 'plain'>;
  readonly middleware: Pick<RunMiddlewares, 'use' | 'useForBatches' | 'inbox'>;
  readonly hasStarted: boolean;
}

/** @throws ConfigurationError for what is no extension, and where it comes too late */
export function extend({ publishing, middleware, hasStarted }: Extended, extension: DispatcherExtension): void {
  const { publish, run, batch, keep, inbox, stampPublished } = checkExtension(extension);
  if (hasStarted) throw new ConfigurationError('use() came too late: the dispatcher has started. Call it before, in the constructor of a provider or in its onModuleInit.', { option: 'use' });
  if (publish !== undefined) publishing.use(publish);
  if (run !== undefined) middleware.use(run);
  if (batch !== undefined) middleware.useForBatches(batch);
  if (keep !== undefined) publishing.plain.keeper = onlyOne('keep', publishing.plain.keeper, keep);
  if (inbox !== undefined) middleware.inbox = onlyOne('inbox', middleware.inbox, inbox);
  if (stampPublished === true) publishing.plain.stamps = true;
}

function checkExtension(extension: DispatcherExtension): DispatcherExtension {
  requireObject(extension, 'What use() takes', EXAMPLE);
  refuseUnknown(extension, PARTS, 'What use() takes');
  for (const part of FUNCTIONS) {
    const value: unknown = extension[part];
    if (value !== undefined && typeof value !== 'function') throw new ConfigurationError(`${part} of use() must be a function; found ${display(value)}. Write ${EXAMPLE}.`, { option: part });
  }
  const stamps: unknown = extension.stampPublished;
  if (stamps !== undefined && typeof stamps !== 'boolean') throw new ConfigurationError(`stampPublished of use() must be true or false; found ${display(stamps)}.`, { option: 'stampPublished' });
  return extension;
}

/** @throws ConfigurationError where there is one already */
function onlyOne<Part>(part: 'keep' | 'inbox', present: Part | undefined, given: Part): Part {
  if (present === undefined) return given;
  throw new ConfigurationError(`use() was given ${part} twice. A dispatcher has one outbox, or none.`, { option: part });
}

import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import type { RunMiddleware } from '../worker/middleware.js';
import { refuseUnknown, requireObject } from './config/config-checks.js';
import type { PublishMiddleware } from './publishing/publish-middleware.js';
import type { Publishing } from './publishing/publishing.js';
import type { RunMiddlewares } from './run-middleware.js';

/** What is put around a dispatcher by whoever observes or extends it, see `DispatcherService.use`. @publicApi */
export interface DispatcherExtension {
  /** Around every publish, steps of workflows and ticks of schedules included; outside of the middleware of the configuration. */
  publish?: PublishMiddleware;
  /** Around every task of every worker, outside of the middleware of the configuration. */
  run?: RunMiddleware;
  /** `true`: messages say when they were published, so that whoever runs one knows how long it has waited (`task.started`). Costs a header. */
  stampPublished?: boolean;
}

const PARTS: readonly (keyof DispatcherExtension)[] = ['publish', 'run', 'stampPublished'];
const EXAMPLE = '{ publish: (task, next) => next(), run: (context, next) => next() }';

export interface Extended {
  readonly publishing: Pick<Publishing, 'use' | 'plain'>;
  readonly middleware: Pick<RunMiddlewares, 'use'>;
  readonly hasStarted: boolean;
}

/** @throws ConfigurationError for what is no extension, and where it comes too late */
export function extend({ publishing, middleware, hasStarted }: Extended, extension: DispatcherExtension): void {
  const { publish, run, stampPublished } = checkExtension(extension);
  if (hasStarted) throw new ConfigurationError('use() came too late: the dispatcher has started. Call it before, in the constructor of a provider or in its onModuleInit.', { option: 'use' });
  if (publish !== undefined) publishing.use(publish);
  if (run !== undefined) middleware.use(run);
  if (stampPublished === true) publishing.plain.stamps = true;
}

function checkExtension(extension: DispatcherExtension): DispatcherExtension {
  requireObject(extension, 'What use() takes', EXAMPLE);
  refuseUnknown(extension, PARTS, 'What use() takes');
  for (const part of ['publish', 'run'] as const) {
    const value: unknown = extension[part];
    if (value !== undefined && typeof value !== 'function') throw new ConfigurationError(`${part} of use() must be a function; found ${display(value)}. Write ${EXAMPLE}.`, { option: part });
  }
  const stamps: unknown = extension.stampPublished;
  if (stamps !== undefined && typeof stamps !== 'boolean') throw new ConfigurationError(`stampPublished of use() must be true or false; found ${display(stamps)}.`, { option: 'stampPublished' });
  return extension;
}

import type { ApplicationConfig, ModuleRef, NestContainer } from '@nestjs/core';
import { ConfigurationError } from '../../errors.js';
import type { EnhancerScope } from '../../dispatcher/config/server-config.js';
import type { Invokers } from '../../worker/invokers.js';
import { providerFinder, type FindInModule } from '../provider-finder.js';
import type { ThreadRunner } from '../threads/thread-runner.js';
import { hasScopedGlobals, withoutScoped } from './enhancers.js';

/** What handlers are made with. */
export interface HandlerSurroundings {
  readonly container: NestContainer;
  /** The application's enhancers. */
  readonly globals: ApplicationConfig;
  readonly scope: EnhancerScope;
  readonly find: FindInModule;
  /** For tasks with `thread: true`; `undefined` inside a thread, where they are run and middleware is not. */
  readonly threads: ThreadRunner | undefined;
  readonly invokers: Invokers;
  warn(message: string): void;
}

interface Sources {
  readonly moduleRef: ModuleRef;
  readonly scope: EnhancerScope;
  readonly threads: ThreadRunner | undefined;
  readonly invokers: Invokers;
  readonly warn: (message: string) => void;
}

/** @throws ConfigurationError for a version of Nest that does not let itself be asked */
export function handlerSurroundings({ moduleRef, scope, threads, invokers, warn }: Sources): HandlerSurroundings {
  // The reference is protected there; the enhancer classes of Nest are made with it and have no other source.
  const container: NestContainer | undefined = moduleRef['container'];
  const globals: ApplicationConfig | undefined = container?.applicationConfig;
  if (globals === undefined) {
    throw new ConfigurationError('This version of Nest does not show its container, which guards and pipes on tasks need. Use @nestjs/core 11.1.21 or later, or 12.');
  }
  if (scope === 'all' && hasScopedGlobals(globals)) {
    warn('Request-scoped global guards, pipes, interceptors and filters do not run on tasks, in spite of enhancers "all". Put them on the handlers.');
  }
  return { container, globals: withoutScoped(globals), scope, find: providerFinder(moduleRef), threads, invokers, warn };
}

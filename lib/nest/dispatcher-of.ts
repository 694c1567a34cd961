import type { ModuleRef } from '@nestjs/core';
import type { Dispatcher } from '../dispatcher/dispatcher.js';
import { DispatcherService } from './dispatcher.service.js';
import { getDispatcherToken } from './dispatcher-token.js';

/** As {@link dispatcherOf}; `undefined` also where there is none of this name. */
export function findDispatcher(moduleRef: ModuleRef, name: string): Dispatcher | undefined {
  try {
    return dispatcherOf(moduleRef, name);
  } catch {
    return undefined;
  }
}

/** What runs behind a service; `undefined` where a test has put something else in its place. */
export function dispatcherOf(moduleRef: ModuleRef, name: string): Dispatcher | undefined {
  const service: unknown = moduleRef.get(getDispatcherToken(name) as string, { strict: false });
  return service instanceof DispatcherService ? service['dispatcher'] : undefined;
}

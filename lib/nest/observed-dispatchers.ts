import type { ModuleRef, ModulesContainer } from '@nestjs/core';
import { ConfigurationError } from '../errors.js';
import { getDispatcherToken } from './dispatcher-token.js';
import { DispatcherService } from './dispatcher.service.js';
import { isInThread, registeredNames, setDistance } from './module-registry.js';

/** A dispatcher of the application, for a module that stands beside it. */
export interface ObservedDispatcher {
  readonly name: string;
  readonly service: DispatcherService;
}

export interface ObservedOptions {
  readonly container: ModulesContainer;
  readonly moduleRef: ModuleRef;
  /** Default: all. */
  readonly wanted: readonly string[] | undefined;
  /** Who asks, for error texts. */
  readonly module: string;
}

/** Those that a module is to observe; what a test has put in the place of one is none. @throws ConfigurationError */
export function observedDispatchers({ container, moduleRef, wanted, module }: ObservedOptions): ObservedDispatcher[] {
  const known = registeredNames(container);
  // The main thread has the dispatchers.
  if (isInThread(container)) return [];
  if (known.length === 0) throw new ConfigurationError(`${module} has nothing to observe: import DispatcherModule.forRoot beside it.`);
  const missing = wanted?.find((name) => !known.includes(name));
  if (missing !== undefined) throw new ConfigurationError(`${module} is to observe the dispatcher "${missing}", which this application does not have. It has: ${known.join(', ')}.`, { dispatcher: missing });
  return (wanted ?? known).flatMap((name) => {
    const service: unknown = moduleRef.get(getDispatcherToken(name) as string, { strict: false });
    return service instanceof DispatcherService ? [{ name, service }] : [];
  });
}

/** The module that has this value under this token is asked first when the application starts. */
export function putFirst(container: ModulesContainer, token: symbol, value: unknown): void {
  setDistance(container, token, value, Number.MAX_VALUE);
}

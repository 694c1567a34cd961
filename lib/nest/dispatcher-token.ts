import { Inject, type InjectionToken } from '@nestjs/common';
import { DispatcherService } from './dispatcher.service.js';

/** The name of the dispatcher that none is given to. */
export const DEFAULT_DISPATCHER = 'default';

/**
 * The injection token of a dispatcher's service, for providers' `inject` lists and for `overrideProvider` in tests.
 * The default dispatcher is injected by its class, `DispatcherService`.
 *
 * @publicApi
 */
export function getDispatcherToken(name: string = DEFAULT_DISPATCHER): InjectionToken<DispatcherService> {
  return name === DEFAULT_DISPATCHER ? DispatcherService : `DispatcherService:${name}`;
}

/** Injects the {@link DispatcherService} of the dispatcher with this name. @publicApi */
export function InjectDispatcher(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getDispatcherToken(name));
}

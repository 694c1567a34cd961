import type { ApplicationConfig } from '@nestjs/core';
import { STATIC_CONTEXT } from '@nestjs/core/injector/constants';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper';
import { ConfigurationError } from '../../errors.js';
import { isPerTask } from '../discovery/discover-tasks.js';
import { describeTask, methodOf, type DiscoveredTask } from '../discovery/discovered-task.js';
import type { EnhancerScope } from '../../dispatcher/config/server-config.js';

/** Where Nest keeps what `@UseGuards` and its kin were given. */
const METADATA = {
  guards: '__guards__', interceptors: '__interceptors__', pipes: '__pipes__', filters: '__exceptionFilters__',
} as const;

export type EnhancerKind = keyof typeof METADATA;
const KINDS = Object.keys(METADATA) as EnhancerKind[];

/** How many enhancers of each kind would run on a handler. */
export type EnhancerCounts = Readonly<Record<EnhancerKind, number>>;

/**
 * What sits on the handler, on its class and, with `all`, on the application.
 *
 * @throws ConfigurationError where an enhancer is given as a class that Nest could not make: it would be skipped in silence
 */
export function countEnhancers(task: DiscoveredTask, scope: EnhancerScope, globals: EnhancerCounts): EnhancerCounts {
  if (scope === 'none') return NO_ENHANCERS;
  const counts = { ...(scope === 'all' ? globals : NO_ENHANCERS) };
  for (const kind of KINDS) {
    const own = ownEnhancers(task, METADATA[kind]);
    for (const enhancer of own) checkKnown(task, enhancer, kind);
    counts[kind] += own.length;
  }
  return counts;
}

export const NO_ENHANCERS: EnhancerCounts = { guards: 0, interceptors: 0, pipes: 0, filters: 0 };

export function countGlobals(config: ApplicationConfig): EnhancerCounts {
  return {
    guards: config.getGlobalGuards().length,
    interceptors: config.getGlobalInterceptors().length,
    pipes: config.getGlobalPipes().length,
    filters: config.getGlobalFilters().length,
  };
}

/** Request-scoped global enhancers exist only within an HTTP request; they cannot run on tasks. */
export function hasScopedGlobals(config: ApplicationConfig): boolean {
  return [config.getGlobalRequestGuards(), config.getGlobalRequestInterceptors(), config.getGlobalRequestPipes(), config.getGlobalRequestFilters()]
    .some((wrappers) => wrappers.length > 0);
}

/** The application's enhancers without the request-scoped ones, of which only hollow prototypes would be found. */
export function withoutScoped(config: ApplicationConfig): ApplicationConfig {
  const none = { value: () => [] };
  return Object.create(config, {
    getGlobalRequestGuards: none, getGlobalRequestInterceptors: none, getGlobalRequestPipes: none, getGlobalRequestFilters: none,
  }) as ApplicationConfig;
}

export function hasAny(counts: EnhancerCounts): boolean {
  return KINDS.some((kind) => counts[kind] > 0);
}

function ownEnhancers(task: DiscoveredTask, key: string): unknown[] {
  const onClass = Reflect.getMetadata(key, task.prototype.constructor) as unknown[] | undefined;
  const onMethod = Reflect.getMetadata(key, methodOf(task)) as unknown[] | undefined;
  return [...onClass ?? [], ...onMethod ?? []];
}

function checkKnown(task: DiscoveredTask, enhancer: unknown, kind: EnhancerKind): void {
  if (typeof enhancer !== 'function') return;
  const wrapper = task.host.injectables.get(enhancer);
  if (wrapper !== undefined && isMadeFor(task, wrapper)) return;
  const reason = wrapper === undefined
    ? 'because the class of the handler is provided by useFactory or useValue (or, with older versions of Nest, under another token)'
    : 'because it is transient, which this version of Nest cannot do for a provider that is not';
  throw new ConfigurationError(
    `${describeTask(task)} uses ${enhancer.name} (${kind}), but Nest made no instance of it, ${reason}; it would not run as written. `
    + `Provide the class itself, give ${enhancer.name} the default scope, or write new ${enhancer.name}(...).`,
    { task: task.name, enhancer: enhancer.name });
}

/** What is request-scoped is made with each task; what is transient exists once for each provider that uses it, or not at all. */
function isMadeFor(task: DiscoveredTask, wrapper: InstanceWrapper): boolean {
  if (!wrapper.isTransient || isPerTask(task.wrapper)) return true;
  return wrapper.getInstanceByContextId(STATIC_CONTEXT, task.wrapper.id).isResolved === true;
}

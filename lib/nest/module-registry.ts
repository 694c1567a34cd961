import type { ModulesContainer } from '@nestjs/core';
import { STATIC_CONTEXT } from '@nestjs/core/injector/constants';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper';
import type { Module } from '@nestjs/core/injector/module';
import { ConfigurationError } from '../errors.js';

/** Within each registration of the module: the name of its dispatcher. */
export const DISPATCHER_NAME = Symbol('the name of this dispatcher');

/** The names of all dispatchers of this application, in the order of their registration. */
export function registeredNames(container: ModulesContainer): string[] {
  return modulesWith(container, DISPATCHER_NAME).map(({ value }) => value as string);
}

/** @throws ConfigurationError where two registrations have one name */
export function refuseSecond(container: ModulesContainer, name: string): void {
  if (registeredNames(container).filter((other) => other === name).length < 2) return;
  throw new ConfigurationError(
    `DispatcherModule is configured twice ${name === 'default' ? 'without a name' : `under the name "${name}"`}. `
    + 'Call forRoot or forRootAsync once, in the root module; other modules inject DispatcherService without importing anything. '
    + "A second dispatcher needs a name of its own: forRoot({ name: 'orders', ... }).", { name });
}

/**
 * Moves a module to another place in the order of lifecycle hooks: the highest starts first and ends
 * last. Nest computes it from the imports, which says nothing about who needs whom here. Where a version of
 * Nest does not let itself be told, its own order holds.
 */
export function setDistance(container: ModulesContainer, token: symbol, value: unknown, distance: number): void {
  try {
    for (const found of modulesWith(container, token)) if (found.value === value) found.module.distance = distance;
  } catch {
    // See above.
  }
}

/** Whether a module is being loaded: not all of what it provides has been made. */
export function isLoading(container: ModulesContainer): boolean {
  return [...container.values()].some(({ providers, injectables }) => [...providers.values(), ...injectables.values()].some(isInTheMaking));
}

function isInTheMaking(wrapper: InstanceWrapper): boolean {
  return !wrapper.isTransient && wrapper.isDependencyTreeStatic() && wrapper.getInstanceByContextId(STATIC_CONTEXT).isResolved !== true;
}

/** Within the context that a thread makes of the application's module. */
export const IN_THREAD = Symbol('this context belongs to a thread');

export function isInThread(container: ModulesContainer): boolean {
  return modulesWith(container, IN_THREAD).length > 0;
}

export function modulesWith(container: ModulesContainer, token: symbol): { module: Module; value: unknown }[] {
  return [...container.values()]
    .filter((module) => module.providers.has(token))
    .map((module) => ({ module, value: module.providers.get(token)?.instance }));
}

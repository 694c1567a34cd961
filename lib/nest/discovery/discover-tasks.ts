import type { DiscoveryService } from '@golevelup/nestjs-discovery';
import type { ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper';
import type { Module } from '@nestjs/core/injector/module';
import type { TaskMark } from '../../dispatcher/config/task-options.js';
import { TASK_METADATA, withPlaceOfClass } from '../task-marks.js';
import type { DiscoveredTask } from './discovered-task.js';

/**
 * Every `@Task` method of every provider and controller, inherited ones included.
 *
 * The discovery package finds the methods of one class; which classes there are, their scope and their
 * module are read from Nest's own container, because the package leaves out request-scoped providers and
 * cannot tell an alias from a second instance.
 */
export function discoverTasks(container: ModulesContainer, discovery: DiscoveryService): DiscoveredTask[] {
  const found = new Map<unknown, DiscoveredTask[]>();
  for (const [wrapper, host] of classesFirst(container)) {
    // A factory or a value, perhaps of another module, may hand out the very same instance: one handler, not two.
    const identity: unknown = isPerTask(wrapper) ? wrapper : wrapper.instance ?? wrapper;
    if (!found.has(identity)) found.set(identity, tasksOf(wrapper, host, discovery));
  }
  return [...found.values()].flat();
}

/** Enhancers are known to Nest only where it made the instance from its class, so that entry counts. */
function classesFirst(container: ModulesContainer): [InstanceWrapper, Module][] {
  const entries: [InstanceWrapper, Module][] = [];
  for (const host of container.values()) {
    for (const wrapper of [...host.providers.values(), ...host.controllers.values()]) {
      if (!wrapper.isAlias) entries.push([wrapper, host]);
    }
  }
  return entries.sort(([a], [b]) => Number(a.isNotMetatype) - Number(b.isNotMetatype));
}

/** True where each task needs an instance of its own, resolved when it arrives. */
export function isPerTask(wrapper: InstanceWrapper): boolean {
  return wrapper.isTransient || !wrapper.isDependencyTreeStatic();
}

function tasksOf(wrapper: InstanceWrapper, host: Module, discovery: DiscoveryService): DiscoveredTask[] {
  const own = marksOn(prototypeOf(wrapper), wrapper, host, discovery);
  return own.length > 0 ? own : replacedTasks(wrapper, host, discovery);
}

/** A value in the place of a class, as tests put it there: what it has of the methods of the class stands for them. */
function replacedTasks(wrapper: InstanceWrapper, host: Module, discovery: DiscoveryService): DiscoveredTask[] {
  const { token, instance } = wrapper as { token: unknown; instance: unknown };
  if (!wrapper.isNotMetatype || typeof token !== 'function' || typeof instance !== 'object' || instance === null) return [];
  return marksOn(token.prototype as object | undefined, wrapper, host, discovery)
    .filter(({ methodName }) => typeof (instance as Record<string, unknown>)[methodName] === 'function');
}

function marksOn(prototype: object | undefined, wrapper: InstanceWrapper, host: Module, discovery: DiscoveryService): DiscoveredTask[] {
  if (prototype === undefined) return [];
  const component = { instance: Object.create(prototype) as object } as Parameters<typeof discovery.classMethodsWithMetaAtKey>[0];
  const methods = discovery.classMethodsWithMetaAtKey<TaskMark[]>(component, TASK_METADATA);
  const className = (prototype.constructor as { name?: string } | undefined)?.name ?? String(wrapper.name);
  return methods.flatMap(({ meta, discoveredMethod: { methodName } }) => meta.map(({ name, options }) => (
    { name, options: withPlaceOfClass(prototype, options), wrapper, host, prototype, methodName, origin: `${className}.${methodName}` })));
}

/** A scoped class has no instance yet; what a scoped factory will make cannot be known before. */
function prototypeOf(wrapper: InstanceWrapper): object | undefined {
  if (!wrapper.isNotMetatype && !wrapper.isFactory && typeof wrapper.metatype === 'function') {
    return (wrapper.metatype.prototype ?? undefined) as object | undefined;
  }
  const instance: unknown = wrapper.instance;
  if (typeof instance !== 'object' || instance === null) return undefined;
  return (Object.getPrototypeOf(instance) ?? undefined) as object | undefined;
}

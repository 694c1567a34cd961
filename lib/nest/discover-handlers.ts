import type { DiscoveryService } from '@golevelup/nestjs-discovery';
import type { ModuleRef, ModulesContainer } from '@nestjs/core';
import { checkTaskSchedule } from '../schedules/check-schedule.js';
import type { Schedule } from '../schedules/schedule.js';
import type { Handler } from '../worker/handler.js';
import type { Invokers } from '../worker/invokers.js';
import { asFamily, takenName } from '../worker/versions.js';
import type { WorkerConfig } from '../worker/worker-config.js';
import { assignTasks } from './discovery/assign-tasks.js';
import { discoverTasks } from './discovery/discover-tasks.js';
import { describeTask, type DiscoveredTask } from './discovery/discovered-task.js';
import type { DiscoverHandlers } from '../dispatcher/application.js';
import { DEFAULT_DISPATCHER } from './dispatcher-token.js';
import { declaredArguments } from './discovery/declared-arguments.js';
import { schemasOfTask } from './discovery/schemas-of-task.js';
import { createHandler } from './handlers/create-handler.js';
import { handlerSurroundings, type HandlerSurroundings } from './handlers/surroundings.js';
import { featuresOf, marksOfFeatures, queueOfFeature } from './features.js';
import { registeredNames } from './module-registry.js';
import type { KnownTask } from '../dispatcher/placement/known-task.js';
import type { TaskOptions } from '../dispatcher/config/task-options.js';
import type { EnhancerScope } from '../dispatcher/config/server-config.js';
import type { ThreadRunner } from './threads/thread-runner.js';

interface Surroundings {
  /** Of the dispatcher. */
  readonly name: string;
  readonly scope: EnhancerScope;
  readonly container: ModulesContainer;
  readonly discovery: DiscoveryService;
  readonly moduleRef: ModuleRef;
  readonly threads: ThreadRunner;
  readonly invokers: Invokers;
  readonly warn: (message: string) => void;
  /** Whether workers may list tasks that are not here: nothing is run. */
  readonly mayMiss: boolean;
  /** A worker runs the task of this schedule. */
  readonly scheduled: (schedule: Schedule) => void;
}

/**
 * Looks for `@Task` methods whenever a worker is made, once every provider exists: a module may have been loaded since.
 * Each handler is made once.
 */
export function discoverHandlers(surroundings: Surroundings): DiscoverHandlers {
  let handlerParts: HandlerSurroundings | undefined;
  const made = new Map<unknown, Map<string, Handler>>();
  const handlerOf = (task: DiscoveredTask, parts: HandlerSurroundings): Handler => {
    const ofProvider = made.get(task.wrapper) ?? new Map<string, Handler>();
    made.set(task.wrapper, ofProvider);
    const id = takenName(task.name, task.options.version ?? 1);
    const handler = ofProvider.get(id) ?? createHandler(task, parts);
    ofProvider.set(id, handler);
    return handler;
  };
  let orphansTold = false;
  return (worker: WorkerConfig, all: readonly WorkerConfig[]) => {
    const tasks = tasksOfDispatcher(surroundings, !orphansTold);
    orphansTold = true;
    const assigned = assignTasks(worker, all, tasks, surroundings.mayMiss);
    return new Map([...assigned].map(([name, versions]) => {
      const parts = (handlerParts ??= handlerSurroundings(surroundings));
      const schedule = scheduleOf(name, versions);
      const [first, ...others] = versions;
      const family = asFamily([handlerOf(first, parts), ...others.map((task) => handlerOf(task, parts))]);
      if (schedule !== undefined) surroundings.scheduled(schedule);
      return [name, family];
    }));
  };
}

/** A name has one schedule: that of the newest version with one. */
function scheduleOf(name: string, versions: readonly DiscoveredTask[]): Schedule | undefined {
  const newest = [...versions].sort((a, b) => (b.options.version ?? 1) - (a.options.version ?? 1)).find(({ options }) => options.schedule !== undefined);
  if (newest?.options.schedule === undefined) return undefined;
  return checkTaskSchedule(name, newest.options.schedule, newest.options.timeZone, newest.options.version);
}

/** Also those of classes that a feature names, and no module provides. */
export function knownTasks({ name, container, discovery }: Pick<Surroundings, 'name' | 'container' | 'discovery'>): KnownTask[] {
  const features = featuresOf(container, name);
  const found = placedTasks(container, discovery, name).filter((task) => dispatcherOf(task) === name);
  const origins = new Set(found.map(({ prototype }) => prototype));
  const named = marksOfFeatures(features).filter(({ provider }) => !origins.has(provider.prototype as object));
  return [
    ...found.map((task) => knownTask(task.name, describeTask(task), task.prototype, task.methodName, task.options)),
    ...named.map(({ provider, method, mark }) => knownTask(
      mark.name, `${provider.name}, which no module provides`, provider.prototype as object, method, withQueueOfFeature(features, provider.prototype as object, mark.options))),
  ];
}

function knownTask(name: string, origin: string, prototype: object, method: string, options: TaskOptions): KnownTask {
  const { queue, routingKey } = options;
  return { name, origin, queue, routingKey, options, schemas: schemasOfTask(prototype, method, options), parameters: () => declaredArguments(prototype, method, options) };
}

function placedTasks(container: ModulesContainer, discovery: DiscoveryService, name: string): DiscoveredTask[] {
  const features = featuresOf(container, name);
  return discoverTasks(container, discovery).map((task) => ({ ...task, options: withQueueOfFeature(features, task.prototype, task.options) }));
}

function withQueueOfFeature(features: ReturnType<typeof featuresOf>, prototype: object, options: TaskOptions): TaskOptions {
  if (options.queue !== undefined || options.routingKey !== undefined) return options;
  const queue = queueOfFeature(features, prototype);
  return queue === undefined ? options : { ...options, queue };
}

function tasksOfDispatcher({ name, container, discovery, warn }: Surroundings, tell: boolean): DiscoveredTask[] {
  const all = placedTasks(container, discovery, name);
  const names = registeredNames(container);
  const orphans = all.filter((task) => !names.includes(dispatcherOf(task)));
  // Every dispatcher sees them; one speaks.
  if (tell && orphans.length > 0 && name === names[0]) warn(orphansText(orphans, names));
  return all.filter((task) => dispatcherOf(task) === name);
}

function dispatcherOf({ options }: DiscoveredTask): string {
  return options.dispatcher ?? DEFAULT_DISPATCHER;
}

function orphansText(orphans: readonly DiscoveredTask[], names: readonly string[]): string {
  const list = orphans.map((task) => `"${task.name}" (${describeTask(task)}, dispatcher "${dispatcherOf(task)}")`).join(', ');
  return `No dispatcher runs ${list}: the registered dispatchers are ${names.map((name) => `"${name}"`).join(', ')}. Correct @Task's option dispatcher, or register it.`;
}

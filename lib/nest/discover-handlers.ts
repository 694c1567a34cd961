import type { DiscoveryService } from '@golevelup/nestjs-discovery';
import type { ModuleRef, ModulesContainer } from '@nestjs/core';
import { checkTaskSchedule } from '../schedules/check-schedule.js';
import type { Schedule } from '../schedules/schedule.js';
import type { Handler } from '../worker/handler.js';
import type { WorkerConfig } from '../worker/worker-config.js';
import { assignTasks } from './discovery/assign-tasks.js';
import { discoverTasks } from './discovery/discover-tasks.js';
import { describeTask, type DiscoveredTask } from './discovery/discovered-task.js';
import type { DiscoverHandlers } from '../dispatcher/application.js';
import { DEFAULT_DISPATCHER } from './dispatcher-token.js';
import { createHandler } from './handlers/create-handler.js';
import { handlerSurroundings, type HandlerSurroundings } from './handlers/surroundings.js';
import { registeredNames } from './module-registry.js';
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
  readonly warn: (message: string) => void;
  /** A worker runs the task of this schedule. */
  readonly scheduled: (schedule: Schedule) => void;
}

/** Looks for `@Task` methods when it is first needed, once every provider exists; each handler is made once. */
export function discoverHandlers(surroundings: Surroundings): DiscoverHandlers {
  let tasks: DiscoveredTask[] | undefined;
  let handlerParts: HandlerSurroundings | undefined;
  const handlers = new Map<DiscoveredTask, Handler>();
  return (worker: WorkerConfig, all: readonly WorkerConfig[]) => {
    tasks ??= tasksOfDispatcher(surroundings);
    const assigned = assignTasks(worker, all, tasks);
    return new Map([...assigned].map(([name, task]) => {
      handlerParts ??= handlerSurroundings(surroundings);
      const handler = handlers.get(task) ?? createHandler(task, handlerParts);
      handlers.set(task, handler);
      if (task.options.schedule !== undefined) surroundings.scheduled(checkTaskSchedule(name, task.options.schedule, task.options.timeZone));
      return [name, handler];
    }));
  };
}

function tasksOfDispatcher({ name, container, discovery, warn }: Surroundings): DiscoveredTask[] {
  const all = discoverTasks(container, discovery);
  const names = registeredNames(container);
  const orphans = all.filter((task) => !names.includes(dispatcherOf(task)));
  // Every dispatcher sees them; one speaks.
  if (orphans.length > 0 && name === names[0]) warn(orphansText(orphans, names));
  return all.filter((task) => dispatcherOf(task) === name);
}

function dispatcherOf({ options }: DiscoveredTask): string {
  return options.dispatcher ?? DEFAULT_DISPATCHER;
}

function orphansText(orphans: readonly DiscoveredTask[], names: readonly string[]): string {
  const list = orphans.map((task) => `"${task.name}" (${describeTask(task)}, dispatcher "${dispatcherOf(task)}")`).join(', ');
  return `No dispatcher runs ${list}: the registered dispatchers are ${names.map((name) => `"${name}"`).join(', ')}. Correct @Task's option dispatcher, or register it.`;
}

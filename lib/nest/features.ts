import { Inject, Module, type DynamicModule, type OnModuleInit, type Type } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { refuseUnknown, requireObject } from '../dispatcher/config/config-checks.js';
import { checkQueues, checkWorkers } from '../dispatcher/config/queue-config.js';
import type { QueueConfig } from '../dispatcher/config/server-config.js';
import type { TaskMark } from '../dispatcher/config/task-options.js';
import type { Feature } from '../dispatcher/placement/placement.js';
import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import type { WorkerConfig } from '../worker/worker-config.js';
import { findDispatcher } from './dispatcher-of.js';
import { DEFAULT_DISPATCHER } from './dispatcher-token.js';
import { isInThread, modulesWith, registeredNames } from './module-registry.js';
import { taskMarksOf } from './task-marks.js';

/** What a feature module brings along, see `DispatcherModule.forFeature`. @publicApi */
export interface DispatcherFeature {
  /** Workers that this process runs beside those of `forRoot`. Default: none. */
  workers?: WorkerConfig[];
  /** Queues to declare and bind at start. Default: none. */
  initQueues?: QueueConfig[];
  /**
   * Classes with `@Task` that belong to this feature. Those that run here are among the `providers` of a module all the
   * same. Their tasks go into the queue of `workers`, where it is one and neither `@Task` nor `@Tasks` says another, and a
   * process that only publishes knows so where they go. Default: none.
   */
  tasks?: Type<object>[];
  /** The name of the dispatcher, where an application has several. Default: `default`. */
  dispatcher?: string;
}

const FEATURE = Symbol('what a feature brings along');
const OPTIONS: readonly (keyof DispatcherFeature)[] = ['workers', 'initQueues', 'tasks', 'dispatcher'];

interface CheckedFeature extends Feature {
  readonly dispatcher: string;
  readonly tasks: readonly Type<object>[];
}

@Module({})
export class DispatcherFeatureModule implements OnModuleInit {
  /** @throws ConfigurationError */
  static for(feature: DispatcherFeature): DynamicModule {
    return { module: DispatcherFeatureModule, providers: [{ provide: FEATURE, useValue: checkFeature(feature) }] };
  }

  constructor(
    @Inject(FEATURE) private readonly feature: CheckedFeature, @Inject(ModulesContainer) private readonly container: ModulesContainer, @Inject(ModuleRef) moduleRef: ModuleRef,
  ) {
    // Nest calls no hooks of a module that is loaded lazily. At the start it is too early, and nothing comes of it.
    setImmediate(() => findDispatcher(moduleRef, feature.dispatcher)?.parts.late.look());
  }

  onModuleInit(): void {
    const names = registeredNames(this.container);
    const { dispatcher } = this.feature;
    if (names.includes(dispatcher) || isInThread(this.container)) return;
    if (names.length === 0) {
      throw new ConfigurationError('DispatcherModule.forFeature is imported, but DispatcherModule.forRoot is not. Import forRoot({ exchange, defaultRoutingKey, ... }) once, in the root module.');
    }
    throw new ConfigurationError(`DispatcherModule.forFeature is for the dispatcher "${dispatcher}"; the registered ones are ${names.map((name) => `"${name}"`).join(', ')}. Correct its option dispatcher.`, { dispatcher });
  }
}

/** Those of one dispatcher. */
export function featuresOf(container: ModulesContainer, dispatcher: string): CheckedFeature[] {
  return modulesWith(container, FEATURE).map(({ value }) => value as CheckedFeature).filter((feature) => feature.dispatcher === dispatcher);
}

/** The queue that a feature gives a class, for its tasks that say nothing of their own. */
export function queueOfFeature(features: readonly CheckedFeature[], prototype: object): string | undefined {
  for (const { tasks, workers } of features) {
    const queues = new Set(workers.map(({ queue }) => queue));
    if (queues.size === 1 && tasks.some(({ prototype: named }: { prototype: object }) => prototype === named || Object.prototype.isPrototypeOf.call(named, prototype))) return [...queues][0];
  }
  return undefined;
}

/** The tasks of classes that features name, whether they are provided here or not. */
export function marksOfFeatures(features: readonly CheckedFeature[]): { readonly provider: Type<object>; readonly method: string; readonly mark: TaskMark }[] {
  return features.flatMap(({ tasks }) => tasks.flatMap((provider) => [...taskMarksOf(provider.prototype as object)].flatMap(([method, marks]) => marks.map((mark) => ({ provider, method, mark })))));
}

function checkFeature(feature: DispatcherFeature): CheckedFeature {
  requireObject(feature, 'The configuration of forFeature', "{ workers: [{ name: 'mail', queue: 'mail' }], tasks: [MailTasks] }");
  const given: DispatcherFeature = feature;
  refuseUnknown(given, OPTIONS, 'forFeature');
  return {
    workers: checkWorkers(given.workers), initQueues: checkQueues(given.initQueues), tasks: checkTasks(given.tasks), dispatcher: given.dispatcher ?? DEFAULT_DISPATCHER,
  };
}

function checkTasks(tasks: unknown): Type<object>[] {
  if (tasks === undefined) return [];
  if (!Array.isArray(tasks)) throw new ConfigurationError(`tasks of forFeature must be a list of classes such as [MailTasks]; found ${display(tasks)}.`, { option: 'tasks' });
  for (const provider of tasks as unknown[]) {
    if (typeof provider === 'function' && taskMarksOf((provider.prototype ?? {}) as object).size > 0) continue;
    throw new ConfigurationError(`tasks of forFeature must be classes with @Task methods; found ${typeof provider === 'function' ? `the class ${provider.name} without one` : display(provider)}.`, { option: 'tasks' });
  }
  return tasks as Type<object>[];
}

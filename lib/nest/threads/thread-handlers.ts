import { Module, type DynamicModule, type LoggerService, type Type } from '@nestjs/common';
import { ModuleRef, ModulesContainer, NestFactory } from '@nestjs/core';
import { DiscoveryModule, DiscoveryService } from '@golevelup/nestjs-discovery';
import { pathToFileURL } from 'node:url';
import { ConfigurationError } from '../../errors.js';
import type { Handler } from '../../worker/handler.js';
import { Invokers } from '../../worker/invokers.js';
import { takenName } from '../../worker/versions.js';
import { discoverTasks } from '../discovery/discover-tasks.js';
import { describeTask, type DiscoveredTask } from '../discovery/discovered-task.js';
import { createHandler } from '../handlers/create-handler.js';
import type { EnhancerScope } from '../../dispatcher/config/server-config.js';
import { IN_THREAD } from '../module-registry.js';
import { handlerSurroundings } from '../handlers/surroundings.js';

/** Nest's own mark of a module class. */
const MODULE_METADATA = ['imports', 'providers', 'controllers', 'exports'];

@Module({ providers: [{ provide: IN_THREAD, useValue: true }] })
class ThreadRootModule {}

/** The handlers of `thread: true` tasks of a module, in a Nest context made for this thread. @throws whatever keeps it from starting */
export async function threadHandlers(modulePath: string, scope: EnhancerScope, logger: LoggerService): Promise<ReadonlyMap<string, Handler>> {
  const root: DynamicModule = { module: ThreadRootModule, imports: [DiscoveryModule, await loadModule(modulePath)] };
  const app = await NestFactory.createApplicationContext(root, { abortOnError: false, logger });
  const container = app.get(ModulesContainer);
  const surroundings = handlerSurroundings({
    scope, threads: undefined, invokers: new Invokers(), moduleRef: app.get(ModuleRef), warn: (message) => { logger.warn(message); },
  });
  const handlers = new Map<string, Handler>();
  const tasks = new Map<string, DiscoveredTask>();
  for (const task of discoverTasks(container, app.get(DiscoveryService))) {
    if (!task.options.thread) continue;
    const id = takenName(task.name, task.options.version ?? 1);
    const other = tasks.get(id);
    if (other !== undefined) throw new ConfigurationError(`The task "${task.name}" has two handlers in the module of threads: ${describeTask(other)} and ${describeTask(task)}.`);
    tasks.set(id, task);
    handlers.set(id, createHandler(task, surroundings));
  }
  return handlers;
}

async function loadModule(path: string): Promise<Type | DynamicModule> {
  const exported = await import(pathToFileURL(path).href) as Record<string, unknown>;
  const unwrapped = (exported.default as { default?: unknown } | undefined)?.default ?? exported.default;
  if (isModule(unwrapped)) return unwrapped;
  const modules = [...new Set(Object.values({ ...exported, ...(typeof unwrapped === 'object' ? unwrapped : {}) }).filter(isModule))];
  const [only, ...others] = modules;
  if (only !== undefined && others.length === 0) return only;
  throw new ConfigurationError(
    `threads.module "${path}" exports ${modules.length === 0 ? 'no Nest module' : `the modules ${modules.map(({ name }) => name).join(', ')}`}; `
    + 'it must export one, or name one as its default export.', { option: 'threads.module' });
}

function isModule(value: unknown): value is Type {
  return typeof value === 'function' && MODULE_METADATA.some((key) => Reflect.hasMetadata(key, value));
}

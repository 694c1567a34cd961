import type { TaskFacts } from '../../contract/describe/contract-of.js';
import { schemasOf } from '../../task/argument-schema.js';
import type { Handler } from '../../worker/handler.js';
import { familyOf, versionOf } from '../../worker/versions.js';
import type { WorkerConfig } from '../../worker/worker-config.js';
import type { TaskOptions } from '../config/task-options.js';
import { routingKeyOf, versionOfTask, type KnownTask } from '../placement/known-task.js';

/** A worker of this process, whether it consumes or not. */
export interface ContractWorker {
  readonly queue: string;
  readonly config: Pick<WorkerConfig, 'priorities' | 'bindingKeys'>;
  readonly handlers: ReadonlyMap<string, Handler>;
}

export interface ContractSources {
  readonly defaultRoutingKey: string;
  readonly tasks: readonly KnownTask[];
  readonly workers: readonly ContractWorker[];
}

/** All tasks whose code is here, those with a decorator first, and what is given to `createWorker`. */
export function contractFacts({ defaultRoutingKey, tasks, workers }: ContractSources): TaskFacts[] {
  const known = new Set(tasks.map(({ name }) => name));
  const given = workers.flatMap((worker) => [...worker.handlers.values()].filter(({ name }) => !known.has(name)).flatMap(familyOf)
    .map((handler) => factsOfHandler(handler, worker, defaultRoutingKey)));
  return [...tasks.map((task) => factsOfTask(task, workers, defaultRoutingKey)), ...given].map((facts) => (
    { ...facts, priorities: workers.some(({ queue, config }) => queue === facts.queue && config.priorities === true) }));
}

function factsOfTask(task: KnownTask, workers: readonly ContractWorker[], defaultRoutingKey: string): TaskFacts {
  const routingKey = routingKeyOf(task) ?? defaultRoutingKey;
  return {
    ...optionsOf(task.options ?? {}), name: task.name, version: versionOfTask(task), routingKey, queue: task.queue ?? queueOf(task.name, routingKey, workers),
    schemas: task.schemas, parameters: task.parameters?.(),
  };
}

/** Of the workers that run it, that of those whose queue it comes to by its key; where they have several, nobody can say. */
function queueOf(name: string, routingKey: string, workers: readonly ContractWorker[]): string | undefined {
  const takers = workers.filter(({ handlers }) => handlers.has(name));
  const reached = takers.filter(({ config: { bindingKeys } }) => bindingKeys?.includes(routingKey));
  const queues = new Set((reached.length > 0 ? reached : takers).map(({ queue }) => queue));
  return queues.size === 1 ? [...queues][0] : undefined;
}

function factsOfHandler(handler: Handler, { queue, config: { bindingKeys = [] } }: ContractWorker, defaultRoutingKey: string): TaskFacts {
  const routingKey = bindingKeys.includes(defaultRoutingKey) ? defaultRoutingKey : bindingKeys[0] ?? defaultRoutingKey;
  return {
    ...optionsOf({ ...handler, limits: handler.limits?.options, batch: handler.batch?.options, middleware: undefined, kwargs: undefined }), name: handler.name, version: versionOf(handler), routingKey, queue,
    schemas: handler.schema && schemasOf(handler.schema),
  };
}

function optionsOf({ description, deprecated, resultSchema, timeoutSeconds, retry, result, unique, debounce, throttle, order, limits, batch, upgrade = {} }: Partial<TaskOptions>): Omit<TaskFacts, 'name' | 'version' | 'routingKey'> {
  return { description, deprecated, resultSchema, timeoutSeconds, retry, result, unique, debounce, throttle, order, limits, batch, upgradesFrom: Object.keys(upgrade).map(Number) };
}

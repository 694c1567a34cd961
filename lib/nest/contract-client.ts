import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { nearestName } from '../task/nearest-name.js';
import type { SendOptions } from '../task/task.js';
import type { PublishedTask } from '../dispatcher/publishing/published-task.js';
import type { TaskClient } from './task-client.js';

declare const told: unique symbol;

/** Where a task of another service goes, as its contract says. @publicApi */
export interface ContractRoute {
  /** Default: as it is called here. */
  readonly name?: string;
  /** Default: 1. */
  readonly version?: number;
  readonly routingKey: string;
  readonly result?: boolean;
}

/**
 * The tasks of a service whose classes are not here, as `nestjs-dispatcher contract types` writes them of its contract:
 * for `dispatcher.client(tasks)`.
 *
 * @publicApi
 */
export interface ContractClient<Tasks> {
  readonly tasks: { readonly [Name in keyof Tasks]: ContractRoute };
  readonly [told]?: Tasks;
}

type Publish = (name: string, args: readonly unknown[], options: SendOptions) => Promise<PublishedTask>;

/** @throws ConfigurationError for what is no contract */
export function createContractClient<Tasks extends object>(contract: ContractClient<Tasks>, publish: Publish): TaskClient<Tasks> {
  const routes = routesOf(contract);
  const methods = new Map(Object.entries(routes).map(([key, route]) => [key, (...args: unknown[]) => publish(...sentAs(key, route, args))]));
  return new Proxy({}, {
    get: (_, key) => {
      const method = typeof key === 'string' ? methods.get(key) : undefined;
      if (method !== undefined || typeof key !== 'string' || key === 'then' || key === 'toJSON' || key in Object.prototype) return method;
      throw notInContract(key, [...methods.keys()]);
    },
    has: (_, key) => typeof key === 'string' && methods.has(key),
  }) as TaskClient<Tasks>;
}

function sentAs(key: string, { name = key, routingKey, version = 1, result }: ContractRoute, args: readonly unknown[]): Parameters<Publish> {
  return [name, args, { routingKey, version, ...result === true ? { result } : {} }];
}

function routesOf(contract: unknown): Readonly<Record<string, ContractRoute>> {
  const routes = (contract as { tasks?: unknown } | null | undefined)?.tasks;
  const isOne = typeof routes === 'object' && routes !== null && Object.values(routes as Record<string, ContractRoute | null>).every((route) => typeof route?.routingKey === 'string');
  if (isOne) return routes as Readonly<Record<string, ContractRoute>>;
  throw new ConfigurationError(`client() takes a class with @Task methods, or the tasks that \`nestjs-dispatcher contract types\` has written; found ${display(contract)}.`);
}

function notInContract(key: string, known: readonly string[]): ConfigurationError {
  const nearest = nearestName(key, known);
  return new ConfigurationError(`The contract has no task "${key}". ${nearest === undefined ? '' : `Did you mean "${nearest}"? `}Its tasks: ${known.join(', ')}.`, { task: key });
}

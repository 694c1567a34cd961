import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ArgumentSchemas } from '../../task/argument-schema.js';
import { byNameAndVersion, type Contract, type TaskContract, type TaskContractOptions } from '../model.js';
import { isPlainObject, plain } from '../plain.js';
import { argumentsOf } from './arguments-of.js';
import type { DeclaredParameter } from './parameters.js';
import { schemaOf } from './schema-of.js';

/** What code and configuration say of one task. */
export interface TaskFacts extends Pick<TaskContract, 'name' | 'version' | 'routingKey'> {
  readonly description?: string | undefined;
  readonly deprecated?: boolean | string | undefined;
  readonly queue?: string | undefined;
  readonly schemas?: ArgumentSchemas | undefined;
  readonly parameters?: readonly DeclaredParameter[] | undefined;
  readonly resultSchema?: StandardSchemaV1 | undefined;
  readonly upgradesFrom?: readonly number[] | undefined;
  readonly priorities?: boolean | undefined;
  readonly timeoutSeconds?: number | undefined;
  readonly retry?: object | undefined;
  readonly result?: boolean | undefined;
  readonly unique?: { readonly scope: string; readonly seconds?: number; readonly replaceArguments?: boolean } | undefined;
  readonly debounce?: object | undefined;
  readonly throttle?: object | undefined;
  readonly order?: object | undefined;
  readonly limits?: object | undefined;
  readonly batch?: object | undefined;
}

/** The same facts give the same contract, in whatever order they come. Of two of one name and version the first counts. */
export function contractOf(about: Omit<Contract, 'tasks'>, facts: readonly TaskFacts[]): Contract {
  const tasks = new Map<string, TaskContract>();
  for (const one of facts) {
    const id = `${one.version} ${one.name}`;
    if (!tasks.has(id)) tasks.set(id, taskContractOf(one));
  }
  return { ...about, tasks: [...tasks.values()].sort(byNameAndVersion) };
}

function taskContractOf({ name, version, description, deprecated, routingKey, queue, schemas, parameters, resultSchema, upgradesFrom = [], ...options }: TaskFacts): TaskContract {
  return {
    name, version,
    ...description === undefined ? {} : { description },
    ...deprecated === undefined || deprecated === false ? {} : { deprecated },
    routingKey,
    ...queue === undefined ? {} : { queue },
    ...argumentsOf(schemas, parameters),
    // What a handler returns is told as it is: the schema changes nothing of it, and takes nothing away.
    ...resultSchema === undefined ? {} : { result: schemaOf(resultSchema, 'input') },
    ...upgradesFrom.length === 0 ? {} : { upgradesFrom: [...upgradesFrom].sort((a, b) => a - b) },
    options: optionsOf(options),
  };
}

function optionsOf({ timeoutSeconds, retry, result, unique, debounce, throttle, order, limits, batch, priorities }: Partial<TaskFacts>): TaskContractOptions {
  const told = {
    timeoutSeconds: timeoutSeconds === 0 ? undefined : timeoutSeconds, retry, result: result === true ? true : undefined,
    unique: unique && { scope: unique.scope, seconds: unique.seconds, replaceArguments: unique.replaceArguments === true ? true : undefined },
    debounce, throttle, order, limits, batch, priorities: priorities === true ? true : undefined,
  };
  const data = plain(told);
  return isPlainObject(data) ? data : {};
}

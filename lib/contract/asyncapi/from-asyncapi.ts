import { InvalidContractError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import { byNameAndVersion, type Contract, type JsonSchema, type TaskContract } from '../model.js';
import { isPlainObject } from '../plain.js';
import { argumentProblem, contractProblem } from './shapes.js';
import { extracted, keyReferredTo } from './references.js';
import { TASK_EXTENSION } from './to-asyncapi.js';

const KNOWN_CONTRACT = 1;

/** The contract in a document that this library has written. @throws InvalidContractError for anything else */
export function fromAsyncApi(document: unknown): Contract {
  if (!isPlainObject(document) || typeof document['asyncapi'] !== 'string') throw new InvalidContractError(`A contract is an AsyncAPI document, an object with "asyncapi"; found ${display(document)}.`);
  const { info, operations, components } = document;
  const ours = document['x-dispatcher'];
  if (!isPlainObject(ours) || typeof ours['exchange'] !== 'string') {
    throw new InvalidContractError('The AsyncAPI document has no "x-dispatcher" with its exchange: it was not written by nestjs-dispatcher, and cannot be read as a contract.');
  }
  if (ours['contract'] !== KNOWN_CONTRACT) {
    throw new InvalidContractError(`The contract is of version ${display(ours['contract'])}; known is ${KNOWN_CONTRACT}. It was written by another version of nestjs-dispatcher: update this one.`);
  }
  const schemas = isPlainObject(components) && isPlainObject(components['schemas']) ? components['schemas'] : {};
  const { title, version } = isPlainObject(info) ? info : {};
  return {
    title: typeof title === 'string' ? title : ours['exchange'], version: typeof version === 'string' ? version : '1.0.0', exchange: ours['exchange'],
    tasks: tasksOf(operations ?? {}, schemas).sort(byNameAndVersion),
  };
}

function tasksOf(operations: unknown, schemas: Readonly<Record<string, unknown>>): TaskContract[] {
  if (!isPlainObject(operations)) throw new InvalidContractError(`"operations" of the contract must be an object; found ${display(operations)}.`);
  const tasks = new Map<string, TaskContract>();
  for (const [key, operation] of Object.entries(operations)) {
    const told = isPlainObject(operation) ? operation[TASK_EXTENSION] : undefined;
    const task = taskOf(told, `operations.${key}.${TASK_EXTENSION}`, schemas);
    const id = `${task.version} ${task.name}`;
    if (tasks.has(id)) throw new InvalidContractError(`The contract has the task "${task.name}", version ${task.version}, twice. Remove one.`, { task: task.name, version: task.version });
    tasks.set(id, task);
  }
  return [...tasks.values()];
}

function taskOf(told: unknown, where: string, schemas: Readonly<Record<string, unknown>>): TaskContract {
  const problem = contractProblem(told);
  if (problem !== undefined || !isPlainObject(told)) throw new InvalidContractError(`${where}: ${problem ?? 'it is missing'}. Print the contract anew.`);
  const found = (schema: unknown, which: string): JsonSchema => schemaFrom(schema, `${where}.${which}`, schemas);
  const args = (told['arguments'] as unknown[]).map((argument, position) => {
    const wrong = argumentProblem(argument);
    if (wrong !== undefined || !isPlainObject(argument)) throw new InvalidContractError(`${where}.arguments[${position}]: ${wrong ?? 'it is missing'}. Print the contract anew.`);
    return { ...argument, schema: found(argument['schema'], `arguments[${position}].schema`) };
  });
  return {
    ...told, arguments: args, moreArguments: found(told['moreArguments'], 'moreArguments'),
    ...told['result'] === undefined ? {} : { result: found(told['result'], 'result') },
  } as unknown as TaskContract;
}

function schemaFrom(schema: unknown, where: string, schemas: Readonly<Record<string, unknown>>): JsonSchema {
  if (typeof schema === 'boolean') return schema;
  const key = keyReferredTo(schema);
  const found = key === undefined ? undefined : Object.hasOwn(schemas, key) ? schemas[key] : undefined;
  if (key !== undefined && isPlainObject(found)) return extracted(found, key);
  throw new InvalidContractError(`${where} must be true, false, or refer to one of components.schemas that is there; found ${display(schema)}.`);
}

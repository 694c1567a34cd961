import type { QueueDeclaration, QueueTypeOption } from '../../brokers/broker.js';
import { ConfigurationError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import type { FormatName } from '../../task/format-name.js';
import { stricter, WIRES, type WireOption } from '../../task/wire.js';
import { DEFAULT_MAX_REDELIVERIES, type WorkerConfig } from '../../worker/worker-config.js';
import { checkBoolean, checkBrokerName, checkChoice, checkCount, checkName, checkNames, checkSeconds, refuseUnknown, requireObject } from './config-checks.js';
import type { QueueConfig } from './server-config.js';

const QUEUE_OPTIONS: readonly (keyof QueueConfig)[] = ['name', 'bindingKeys', 'type', 'wire', 'format'];
const WORKER_OPTIONS: readonly (keyof WorkerConfig)[] = ['name', 'queue', 'limit', 'bindingKeys', 'tasks', 'priorities', 'type', 'wire', 'format', 'unknownTaskGraceSeconds', 'maxRedeliveries'];
const TYPES: readonly QueueTypeOption[] = ['classic', 'quorum', 'server-default'];
const DEFAULT_TYPE: QueueTypeOption = 'classic';
const QUEUE_EXAMPLE = "{ name: 'queue_1', bindingKeys: ['key_1'] }";
const WORKER_EXAMPLE = "{ name: 'worker_1', queue: 'queue_1' }";

/** @throws ConfigurationError */
export function checkQueues(queues: unknown): QueueConfig[] {
  return checkList(queues, 'initQueues', QUEUE_EXAMPLE).map((queue, index) => checkQueue(queue, `initQueues[${index}]`));
}

/** @throws ConfigurationError, also where two have one name */
export function checkWorkers(workers: unknown): WorkerConfig[] {
  const checked = checkList(workers, 'workers', WORKER_EXAMPLE).map((worker, index) => checkWorker(worker, `workers[${index}]`));
  refuseSameNames(checked, (_, index) => `workers[${index}]`);
  return checked;
}

/** @throws ConfigurationError where two workers have one name */
export function refuseSameNames(workers: readonly WorkerConfig[], title: (worker: WorkerConfig, index: number) => string): void {
  const names = new Map<string, string>();
  workers.forEach((worker, index) => {
    const { name } = worker;
    const earlier = names.get(name);
    if (earlier !== undefined) {
      throw new ConfigurationError(`${earlier} and ${title(worker, index)} are both named "${name}". Give each worker a name of its own.`, { worker: name });
    }
    names.set(name, title(worker, index));
  });
}

/** @throws ConfigurationError */
export function checkWorker(worker: unknown, where: string): WorkerConfig {
  requireObject(worker, where, WORKER_EXAMPLE);
  refuseUnknown(worker, WORKER_OPTIONS, where);
  return {
    name: checkName(worker.name, `${where}.name`, "name: 'worker_1'"),
    queue: checkBrokerName(worker.queue, `${where}.queue`, "queue: 'queue_1'"),
    limit: checkCount(worker.limit, `${where}.limit`, { minimum: 0, fallback: 0 }),
    bindingKeys: checkNames(worker.bindingKeys, `${where}.bindingKeys`, "'key_1'"),
    tasks: checkNames(worker.tasks, `${where}.tasks`, "'task_1'"),
    priorities: checkBoolean(worker.priorities, `${where}.priorities`, false),
    type: checkChoice(worker.type, `${where}.type`, TYPES, DEFAULT_TYPE),
    wire: checkWire(worker.wire, where),
    format: worker.format === undefined ? undefined : checkName(worker.format, `${where}.format`, "format: 'machinery'"),
    unknownTaskGraceSeconds: checkSeconds(worker.unknownTaskGraceSeconds, `${where}.unknownTaskGraceSeconds`, { fallback: 60 }),
    maxRedeliveries: worker.maxRedeliveries === undefined
      ? undefined
      : checkCount(worker.maxRedeliveries, `${where}.maxRedeliveries`, { minimum: 0, fallback: DEFAULT_MAX_REDELIVERIES }),
  };
}

/** A queue to declare, and who reads it, in which format, where that is said. */
export type DeclaredQueue = QueueDeclaration & { readonly wire?: WireOption; readonly format?: FormatName };

/**
 * Every queue once: a publisher that starts before the workers must find their queues.
 *
 * @throws ConfigurationError where one queue is given two types
 */
export function queuesToDeclare(initQueues: readonly DeclaredQueue[], workers: readonly WorkerConfig[]): DeclaredQueue[] {
  const queues = new Map<string, DeclaredQueue & { bindingKeys: string[] }>();
  const mentions = [...initQueues, ...workers.map(({ queue, bindingKeys, type, wire, format }) => ({ name: queue, bindingKeys, type, wire, format }))];
  for (const { name, bindingKeys = [], type = DEFAULT_TYPE, wire, format } of mentions) {
    const known = queues.get(name);
    if (known !== undefined && known.type !== type) throw twoTypes(name, [known.type, type], workers);
    queues.set(name, {
      name, type, bindingKeys: [...new Set([...known?.bindingKeys ?? [], ...bindingKeys])], ...withWire(stricter(known?.wire, wire)), ...withFormat(name, known?.format, format),
    });
  }
  return [...queues.values()];
}

/** A queue is made once: the second of them could not be started, or none that comes after it. */
function twoTypes(queue: string, types: readonly (QueueTypeOption | undefined)[], workers: readonly WorkerConfig[]): ConfigurationError {
  const said = types.map((type) => {
    const by = workers.find((worker) => worker.queue === queue && typeText(worker.type) === typeText(type));
    return `${by === undefined ? 'initQueues' : `worker "${by.name}"`} says ${typeText(type)}`;
  });
  return new ConfigurationError(`The queue "${queue}" cannot be of two types: ${said.join(', and ')}. Write the same type in both.`, { queue, types });
}

/** As it stands in errors and warnings. */
export function typeText(type: QueueTypeOption = DEFAULT_TYPE): string {
  return `type: '${type}'${type === DEFAULT_TYPE ? ' (the default)' : ''}`;
}

/** @throws ConfigurationError where it is said twice, and not the same */
function withFormat(queue: string, known: FormatName | undefined, format: FormatName | undefined): { format?: FormatName } {
  if (known !== undefined && format !== undefined && known !== format) {
    throw new ConfigurationError(`The queue "${queue}" cannot have two formats: it is said to have '${known}', and '${format}'. Write the same in both; messages whose format can be seen are read in any case.`, { queue, formats: [known, format] });
  }
  const said = format ?? known;
  return said === undefined ? {} : { format: said };
}

function withWire(wire: WireOption | undefined): { wire?: WireOption } {
  return wire === undefined ? {} : { wire };
}

function checkQueue(queue: unknown, where: string): QueueConfig {
  requireObject(queue, where, QUEUE_EXAMPLE);
  refuseUnknown(queue, QUEUE_OPTIONS, where);
  return {
    name: checkBrokerName(queue.name, `${where}.name`, "name: 'queue_1'"),
    bindingKeys: checkNames(queue.bindingKeys, `${where}.bindingKeys`, "'key_1'"),
    type: checkChoice(queue.type, `${where}.type`, TYPES, DEFAULT_TYPE),
    wire: checkWire(queue.wire, where),
    format: queue.format === undefined ? undefined : checkName(queue.format, `${where}.format`, "format: 'machinery'"),
  };
}

function checkWire(wire: unknown, where: string): WireOption | undefined {
  return wire === undefined ? undefined : checkChoice(wire, `${where}.wire`, WIRES, 'dispatcher');
}

function checkList(value: unknown, option: string, example: string): unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new ConfigurationError(`${option} must be a list such as [${example}]; found ${display(value)}.`, { option });
}

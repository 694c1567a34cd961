import { ConfigurationError } from '../../errors.js';
import type { WorkerConfig } from '../../worker/worker-config.js';
import { queuesToDeclare, refuseSameNames, type DeclaredQueue } from '../config/queue-config.js';
import type { QueueConfig } from '../config/server-config.js';
import { routingKeyOf, versionOfTask, type KnownTask } from './known-task.js';

/** What a module of the application brings along. */
export interface Feature {
  readonly workers: readonly WorkerConfig[];
  readonly initQueues: readonly QueueConfig[];
}

/** Which queues and workers there are, and how tasks get to them: what the configuration, features and `@Task` say together. */
export class Placement {
  /** Those of the configuration and of the features. */
  readonly workers: readonly WorkerConfig[];
  readonly queues: readonly DeclaredQueue[];
  /** By name; of several versions the newest. */
  readonly tasks: ReadonlyMap<string, KnownTask>;
  private readonly keys = new Map<string, Set<string>>();

  /** @throws ConfigurationError where two of them contradict each other */
  constructor({ workers, queues }: { readonly workers: readonly WorkerConfig[]; readonly queues: readonly DeclaredQueue[] }, features: readonly Feature[], readonly versions: readonly KnownTask[]) {
    this.tasks = byName(versions);
    for (const task of versions) this.lead(task);
    const all = [...workers, ...features.flatMap((feature) => feature.workers)];
    refuseSameNames(all, ({ name, queue }) => `the one of queue "${queue}" ("${name}")`);
    this.workers = all.map((worker) => this.placed(worker));
    const initial = [...queues, ...features.flatMap(({ initQueues }) => initQueues)];
    this.queues = queuesToDeclare(initial.map((queue) => ({ ...queue, bindingKeys: this.withKeys(queue.name, queue.bindingKeys) })), this.workers);
  }

  /** `undefined`: it is not known here. */
  taskOf(name: string, version: number): KnownTask | undefined {
    const newest = this.tasks.get(name);
    if (newest === undefined || versionOfTask(newest) === version) return newest;
    return this.versions.find((task) => task.name === name && versionOfTask(task) === version);
  }

  /** Its queue is bound with the keys of the tasks that belong in it. */
  placed(worker: WorkerConfig): WorkerConfig {
    const bindingKeys = this.withKeys(worker.queue, worker.bindingKeys);
    return bindingKeys === worker.bindingKeys ? worker : { ...worker, bindingKeys };
  }

  /**
   * As {@link placed}, of one that is made at run time beside these. Where it says no type, that of its queue is its own.
   *
   * @throws ConfigurationError where it contradicts what is said of its queue already
   */
  joined(worker: WorkerConfig, others: readonly WorkerConfig[], saysType: boolean): WorkerConfig {
    const known = saysType ? undefined : queuesToDeclare(this.queues, others).find(({ name }) => name === worker.queue);
    const typed = known === undefined ? worker : { ...worker, type: known.type };
    queuesToDeclare(this.queues, [...others, typed]);
    return this.placed(typed);
  }

  private lead(task: KnownTask): void {
    const key = routingKeyOf(task);
    if (task.queue === undefined || key === undefined) return;
    this.keys.set(task.queue, (this.keys.get(task.queue) ?? new Set<string>()).add(key));
  }

  private withKeys<Keys extends readonly string[] | undefined>(queue: string, bindingKeys: Keys): Keys | string[] {
    const own = this.keys.get(queue);
    return own === undefined ? bindingKeys : [...new Set([...bindingKeys ?? [], ...own])];
  }
}

function byName(tasks: readonly KnownTask[]): Map<string, KnownTask> {
  const known = new Map<string, KnownTask>();
  for (const task of tasks) {
    const other = known.get(task.name);
    if (other !== undefined && routingKeyOf(other) !== routingKeyOf(task)) throw ambiguous(other, task);
    if (other === undefined || versionOfTask(task) >= versionOfTask(other)) known.set(task.name, task);
  }
  return known;
}

function ambiguous(one: KnownTask, other: KnownTask): ConfigurationError {
  const where = (task: KnownTask): string => `${task.origin} says ${task.queue === undefined ? `routing key "${routingKeyOf(task) ?? 'none'}"` : `queue "${task.queue}"`}`;
  return new ConfigurationError(`Nobody can know where the task "${one.name}" goes: ${where(one)}, and ${where(other)}. Say the same in both, or rename one.`, { task: one.name });
}

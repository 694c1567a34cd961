import type { Broker, BrowsedMessage } from '../../brokers/broker.js';
import type { Format } from '../../formats/format.js';
import type { Inspection } from '../../inspection/inspection.js';
import type { TaskFilter } from '../../inspection/model.js';
import type { Redaction } from '../../inspection/redaction.js';
import { matches } from '../../inspection/task-filter.js';
import type { Task } from '../../task/task.js';
import type { Operations } from '../operations.js';
import type { CancelActionOptions } from './action-options.js';
import type { ActionItem } from './action-result.js';
import type { KnownNames } from './known-names.js';

const DEFAULT_PEEK = 1_000;
/** As many as inspection tells. */
const MOST_RUNNING = 1_000;
/** What only a task has that was begun. */
const OF_RUNS = ['worker', 'process', 'state', 'since', 'until', 'error'] as const satisfies readonly (keyof TaskFilter)[];

export interface TaskFinderDependencies {
  readonly broker: Pick<Broker, 'browse' | 'depth'>;
  readonly inspection: Pick<Inspection, 'running' | 'queues'>;
  readonly operations: Pick<Operations, 'queuesOf'>;
  readonly names: KnownNames;
  /** As messages of this queue are read. */
  readonly formatOf: (queue: string) => Format;
  readonly redaction: Redaction;
}

export interface FoundTasks {
  readonly tasks: readonly ActionItem[];
  readonly truncated: boolean;
}

/** Finds tasks that run and tasks that wait, by what people see of them. */
export class TaskFinder {
  constructor(private readonly dependencies: TaskFinderDependencies) {}

  async find(filter: TaskFilter, { where = 'both', peek }: Pick<CancelActionOptions, 'where' | 'peek'>, most: number): Promise<FoundTasks> {
    const found = new Map<string, ActionItem>();
    let truncated = false;
    if (where !== 'waiting') {
      const runs = await this.dependencies.inspection.running({ ...filter, limit: MOST_RUNNING });
      for (const { uuid, name, queue } of runs) found.set(uuid, { id: uuid, name, queue });
      truncated ||= runs.length >= MOST_RUNNING;
    }
    if (where !== 'running' && OF_RUNS.every((name) => filter[name] === undefined)) truncated = await this.addWaiting(filter, peek, most, found) || truncated;
    return { tasks: [...found.values()].slice(0, most), truncated: truncated || found.size > most };
  }

  /** Returns whether there are more than were looked at. */
  private async addWaiting(filter: TaskFilter, peek: number | undefined, most: number, found: Map<string, ActionItem>): Promise<boolean> {
    const { names, operations, inspection } = this.dependencies;
    const classic = new Set((await inspection.queues()).queues.filter(({ type }) => type === 'classic').map(({ name }) => name));
    let truncated = false;
    for (const queue of await names.meantBy('queue', [filter.queue ?? '*'])) {
      const looked = peek ?? (classic.has(queue) ? DEFAULT_PEEK : 0);
      for (const line of await operations.queuesOf(queue)) {
        if (found.size >= most) return true;
        truncated = await this.look(line, queue, filter, looked, found) || truncated;
      }
    }
    return truncated;
  }

  private async look(line: string, queue: string, filter: TaskFilter, most: number, found: Map<string, ActionItem>): Promise<boolean> {
    const { broker } = this.dependencies;
    const waiting = await broker.depth(line) ?? 0;
    if (waiting === 0 || most === 0) return waiting > 0;
    await broker.browse(line, (message, position) => {
      const task = this.taskOf(message, queue);
      if (task !== undefined && this.fits(filter, task, queue)) found.set(task.uuid, { id: task.uuid, name: task.name, queue });
      return position + 1 < most ? 'keep' : 'stop';
    }, { maxHeld: most });
    return waiting > most;
  }

  private fits({ queue: _queue, ...filter }: TaskFilter, { uuid, name, args }: Task, queue: string): boolean {
    const told = filter.args === undefined ? undefined : this.dependencies.redaction.args(args, { name, queue });
    return matches(filter, { uuid, name, ...(told === undefined ? {} : { args: told }) });
  }

  private taskOf(message: BrowsedMessage, queue: string): Task | undefined {
    try {
      return this.dependencies.formatOf(queue).decode(message);
    } catch {
      return undefined;
    }
  }
}

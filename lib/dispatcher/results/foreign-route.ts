import type { MessageProperties } from '../../brokers/broker.js';
import type { ForeignResults } from '../../foreign/foreign-results.js';
import type { ResultReader } from '../../results/result-reader.js';
import type { TaskResult } from '../../results/task-result.js';
import type { StopWatching } from '../../state/state-backend.js';
import type { AddressedTask, Task } from '../../task/task.js';
import type { ForeignSystems } from './foreign-systems.js';
import type { ResultRoute } from './result-route.js';

/** The oldest ones are then looked for everywhere. */
const MOST_REMEMBERED = 10_000;

/**
 * Results by the way of this library, or from the store of the system whose format a task was sent in. Of a task that was
 * sent from elsewhere it is not known which: then all are asked.
 */
export class RoutesByFormat implements ResultRoute {
  readonly reader: ResultReader = { read: (uuid) => this.read(uuid), watch: (uuid, ...rest) => this.watch(uuid, ...rest) };
  private readonly remembered = new Map<string, ForeignResults>();

  constructor(private readonly own: ResultRoute, private readonly systems: ForeignSystems, private readonly formatOf: (task: AddressedTask) => string) {}

  get onlyAsked(): boolean {
    return this.own.onlyAsked;
  }

  /** Its own system tells of it in any case. */
  tells(task: AddressedTask): boolean {
    return this.systems.of(this.formatOf(task)) !== undefined;
  }

  async ask(task: Task, properties: MessageProperties): Promise<void> {
    const foreign = this.systems.of(this.formatOf(task as AddressedTask));
    if (foreign === undefined) return this.own.ask(task, properties);
    await foreign.sending(task, properties);
    this.note(task.uuid, foreign);
  }

  accepted(task: Task): void {
    if (!this.remembered.has(task.uuid)) this.own.accepted(task);
  }

  refused(task: Task): void {
    if (!this.remembered.delete(task.uuid)) this.own.refused(task);
  }

  withdraw(uuid: string): void {
    if (!this.remembered.delete(uuid)) this.own.withdraw(uuid);
  }

  /** Whatever was sent by another process may be in one of the other stores. */
  check(): void {
    // Nothing can be said against any uuid.
  }

  remember(task: AddressedTask): void {
    const foreign = this.systems.of(this.formatOf(task));
    if (foreign !== undefined) this.note(task.uuid, foreign);
  }

  private note(uuid: string, foreign: ForeignResults): void {
    this.remembered.set(uuid, foreign);
    if (this.remembered.size <= MOST_REMEMBERED) return;
    for (const oldest of this.remembered.keys()) {
      this.remembered.delete(oldest);
      return;
    }
  }

  close(): void {
    this.own.close();
  }

  private readersOf(uuid: string): readonly ResultReader[] {
    const known = this.remembered.get(uuid);
    if (known !== undefined) return [known];
    return this.canOwnTell(uuid) ? [this.own.reader, ...this.systems.all] : this.systems.all;
  }

  private canOwnTell(uuid: string): boolean {
    try {
      this.own.check(uuid);
      return true;
    } catch {
      return false;
    }
  }

  private async read(uuid: string): Promise<TaskResult | undefined> {
    for (const reader of this.readersOf(uuid)) {
      const result = await reader.read(uuid);
      if (result !== undefined) return result;
    }
    return undefined;
  }

  private watch(uuid: string, onResult: (result: TaskResult) => void, onError: (error: Error) => void, wants?: 'all' | 'end'): StopWatching {
    const stops = this.readersOf(uuid).map((reader) => reader.watch(uuid, onResult, onError, wants));
    return () => stops.forEach((stop) => stop());
  }
}

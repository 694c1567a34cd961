import type { BrowsedMessage, Broker } from '../brokers/broker.js';
import { cancellationOf, type CancelOptions } from '../control/cancellation.js';
import type { Audited } from '../events/audited.js';
import { drain, type DrainOptions } from '../control/drain.js';
import type { Pause, PauseOptions, PauseTarget } from '../control/pause.js';
import type { WorkerLimit } from '../control/worker-limit.js';
import { clock } from '../time/clock.js';
import type { ControlNotes } from './control-notes.js';
import { refuseMore, requireText } from '../task/options.js';
import { LogicalQueues } from './logical-queues.js';
import type { ManagedWorker } from './worker-registry.js';

export interface OperationsDependencies {
  readonly broker: Broker;
  readonly control: Pick<ControlNotes, 'pauses' | 'cancellations' | 'limits'>;
  /** Those of this process. */
  readonly workers: () => readonly ManagedWorker[];
  /** Ends the task of what is purged. `undefined`: nobody waits for it, and it holds nothing. */
  readonly purged: (message: BrowsedMessage, queue: string) => Promise<void> | undefined;
  /** Those of the configuration. */
  readonly queues: () => readonly { readonly name: string }[];
  /** Resolves when the broker can be used. */
  readonly ready: () => Promise<void>;
  /** Ends those that wait between two of their steps. Never rejects. */
  readonly callOff: (uuids: readonly string[], why: string) => Promise<void>;
  /** What somebody does is told. */
  readonly audited: Audited;
}

/** What is asked of queues and workers, and done to them, while they run. Each waits for the first connection. */
export class Operations {
  private readonly logicalQueues: LogicalQueues;

  constructor(private readonly dependencies: OperationsDependencies) {
    this.logicalQueues = new LogicalQueues(dependencies.broker, dependencies.workers);
  }

  async pause(target: PauseTarget, options: PauseOptions): Promise<void> {
    const { ready, control, audited } = this.dependencies;
    await audited({ action: 'pause', by: options?.by, reason: options?.reason, what: { ...target } }, async () => {
      await ready();
      await control.pauses.pause(target, options);
    });
  }

  async resume(target: PauseTarget): Promise<boolean> {
    const { ready, control, audited } = this.dependencies;
    return audited({ action: 'resume', what: { ...target } }, async () => {
      await ready();
      return control.pauses.resume(target);
    }, (was) => ({ count: was ? 1 : 0 }));
  }

  async paused(): Promise<Pause[]> {
    await this.dependencies.ready();
    return this.dependencies.control.pauses.list();
  }

  async workerLimits(): Promise<WorkerLimit[]> {
    await this.dependencies.ready();
    return this.dependencies.control.limits.list();
  }

  async cancel(uuids: readonly string[], options?: CancelOptions): Promise<void> {
    const { ready, control, callOff, audited } = this.dependencies;
    await audited({ action: 'cancel', by: options?.by, reason: options?.reason, what: whichTasks(uuids) }, async () => {
      await ready();
      await control.cancellations.cancel(uuids, options);
      await callOff(uuids, cancellationOf(uuids, options, clock.now()).text);
    }, () => ({ count: uuids.length }));
  }

  async depth(queue: string): Promise<number | undefined> {
    requireText(queue, 'The queue whose depth is asked for');
    await this.dependencies.ready();
    return this.logicalQueues.depth(queue);
  }

  /** See {@link LogicalQueues.oldestSince}. */
  async oldestSince(queue: string): Promise<number | undefined> {
    await this.dependencies.ready();
    return this.logicalQueues.oldestSince(queue);
  }

  /** The queues that carry the tasks of a work queue: itself, its levels and its weighted tasks, those that are there. */
  async queuesOf(queue: string): Promise<readonly string[]> {
    await this.dependencies.ready();
    return this.logicalQueues.queuesOf(queue);
  }

  /** @param most so many of what waits, the oldest first; default: all */
  async purge(queue: string, more: readonly unknown[], most = Infinity): Promise<number> {
    return this.dependencies.audited({ action: 'purge', what: { queue } }, async () => {
      requireText(queue, 'The queue to purge');
      refuseMore(more, 'purge(queue), which removes everything that waits,');
      await this.dependencies.ready();
      const { purged } = this.dependencies;
      return most === Infinity ? this.logicalQueues.purge(queue, purged) : this.logicalQueues.purgeFirst(queue, most, purged);
    }, (count) => ({ count }));
  }

  /** Resolves when everything has been worked off. */
  async drain(options?: DrainOptions): Promise<void> {
    const { broker, workers, queues, ready, audited } = this.dependencies;
    await audited({ action: 'drain', what: { queues: Array.isArray(options?.queues) ? options.queues.join(', ') : undefined } }, async () => {
      await ready();
      await drain({
        broker, workers, depth: (queue) => this.logicalQueues.depth(queue), now: clock.elapsed,
        knownQueues: () => [...new Set([...queues().map(({ name }) => name), ...workers().map(({ queue }) => queue)])],
      }, options);
    });
  }
}

/** One by its uuid, of many the first: who wants to know all of them keeps the log of whoever calls. */
function whichTasks(uuids: readonly string[]): Readonly<Record<string, unknown>> {
  return Array.isArray(uuids) && uuids.length > 1 ? { uuid: uuids[0], more: uuids.length - 1 } : { uuid: Array.isArray(uuids) ? uuids[0] : uuids };
}

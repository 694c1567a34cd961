import { DispatcherError } from '../../errors.js';
import type { ForeignEnd, ForeignResults } from '../../foreign/foreign-results.js';
import { messageOf } from '../../task/error-text.js';
import { taskOf } from './follow-up-gate.js';
import type { FollowUpSender } from './follow-up-sender.js';
import type { Entrance, TaskEnd, TaskGate, TaskVisit } from './task-gate.js';

const RUN: Entrance = { kind: 'run' };

export interface ForeignResultsGateDependencies {
  /** Of the format of this name, where they are kept. */
  readonly of: (format: string) => ForeignResults | undefined;
  readonly sender: Pick<FollowUpSender, 'sendAll'>;
  /** Made of this text alone. */
  readonly uuidOf: (text: string) => string;
  readonly warn: (message: string) => void;
}

/**
 * Tells the system that a task came from what becomes of it, in its own store: whoever waits there for its result gets it,
 * and the members of a group are counted. A task is acknowledged once that is kept, and the callback of its chord is sent;
 * only what the store will never take, such as too large a result, is warned of and left out.
 */
export class ForeignResultsGate implements TaskGate {
  readonly name = 'results of other systems';

  constructor(private readonly dependencies: ForeignResultsGateDependencies) {}

  concerns({ arrived }: TaskVisit): boolean {
    return arrived !== undefined && this.dependencies.of(arrived.format) !== undefined;
  }

  async enter(visit: TaskVisit): Promise<Entrance> {
    await this.unlessRefused(visit, () => this.resultsOf(visit)?.began(taskOf(visit)));
    return RUN;
  }

  async leave(visit: TaskVisit, end: TaskEnd): Promise<void> {
    const ended = foreignEnd(end);
    if (ended === undefined) return;
    const { sender, uuidOf } = this.dependencies;
    const sending = await this.unlessRefused(visit, () => this.resultsOf(visit)?.ended(taskOf(visit), ended, (place) => uuidOf(`${visit.uuid} ${place}`)));
    if (sending === undefined) return;
    await sender.sendAll(sending.followUps, visit);
    await this.unlessRefused(visit, () => sending.sent());
  }

  private resultsOf({ arrived }: TaskVisit): ForeignResults | undefined {
    return arrived && this.dependencies.of(arrived.format);
  }

  /** What can be tried again is tried again by whoever calls. */
  private async unlessRefused<T>({ name, uuid, arrived }: TaskVisit, tell: () => Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await tell();
    } catch (error) {
      if (!(error instanceof DispatcherError) || error.retryable) throw error;
      this.dependencies.warn(`What became of task "${name}" (${uuid}) could not be told to ${arrived?.format}: ${messageOf(error)}`);
      return undefined;
    }
  }
}

/** `undefined`: nothing has become of it yet. */
function foreignEnd(end: TaskEnd): ForeignEnd | undefined {
  switch (end.kind) {
    case 'succeeded': return { kind: 'succeeded', value: end.value };
    case 'failed': return { kind: 'failed', error: end.error };
    case 'retrying': return { kind: 'retrying', error: end.error };
    case 'cancelled': return { kind: 'cancelled', reason: end.reason };
    case 'expired': return { kind: 'cancelled', reason: 'expired' };
    case 'removed': return { kind: 'cancelled', reason: messageOf(end.error) };
    case 'returned': case 'dropped': return undefined;
  }
}

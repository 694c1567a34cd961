import type { Broker } from '../../brokers/broker.js';
import { checkGroup } from '../../control/failure-notes.js';
import type { DeadLetter } from '../../dead-letters/dead-letter.js';
import type { DeadLetterQueues } from '../../dead-letters/dead-letter-queues.js';
import { predicateOf } from '../../dead-letters/filter.js';
import type { ReplayAllOptions } from '../../dead-letters/options.js';
import { failureId, markOfLetter } from '../../inspection/failure-mark.js';
import { deadLetterQueueOf } from '../../task/dead-letter-queue.js';
import { undeliveredQueueOf } from '../../task/undelivered.js';
import type { DeadLetterSelection } from './action-options.js';
import type { ActionTally } from './action-result.js';
import { isPattern, type KnownNames } from './known-names.js';

export interface DeadLetterActionsDependencies {
  readonly broker: Pick<Broker, 'depth'>;
  readonly exchange: string;
  readonly deadLetters: DeadLetterQueues;
  readonly names: KnownNames;
}

/** What is done to dead letters of several queues at once. A queue after the other is walked through, and nothing of it is kept. */
export class DeadLetterActions {
  constructor(private readonly dependencies: DeadLetterActionsDependencies) {}

  async replay(selection: DeadLetterSelection, how: Pick<ReplayAllOptions, 'to' | 'edit'>, tally: ActionTally): Promise<void> {
    await this.each(selection, tally, async (queue, filter) => {
      const { replayed, failed, truncated } = await this.dependencies.deadLetters.replayAll(queue, { ...how, ...filter });
      tally.done += replayed;
      for (const { id, error } of failed) tally.fail(id, error);
      return truncated;
    });
  }

  async discard(selection: DeadLetterSelection, tally: ActionTally): Promise<void> {
    await this.each(selection, tally, async (queue, filter) => {
      const { discarded, truncated } = await this.dependencies.deadLetters.discardAll(queue, filter);
      tally.done += discarded;
      return truncated;
    });
  }

  private async each(selection: DeadLetterSelection, tally: ActionTally, act: (queue: string, filter: Required<Pick<ReplayAllOptions, 'filter' | 'limit'>>) => Promise<boolean>): Promise<void> {
    const { deadLetters } = this.dependencies;
    const fits = fitsOf(selection);
    for (const queue of await this.queuesOf(selection)) {
      if (tally.room === 0) return;
      const filter = { limit: tally.room, filter: (letter: DeadLetter) => fits(letter) && tally.concerns(itemOf(letter, queue)) };
      const isCut = tally.dryRun ? (await deadLetters.count(queue, filter)).truncated : await act(queue, filter);
      tally.truncated ||= isCut;
    }
  }

  /** Of those that a pattern means only the ones that have dead letters; one that is named must have a place for them. */
  private async queuesOf({ queue = '*' }: DeadLetterSelection): Promise<string[]> {
    const { broker, exchange, names } = this.dependencies;
    const undelivered = undeliveredQueueOf(exchange);
    const asked = [queue].flat();
    const queues: string[] = [];
    for (const name of await names.meantBy('queue', asked, [undelivered])) {
      const isNamed = asked.some((one) => one === name && !isPattern(one));
      if (isNamed || (await broker.depth(name === undelivered ? name : deadLetterQueueOf(name)) ?? 0) > 0) queues.push(name);
    }
    return queues;
  }
}

/** @throws InvalidTaskError, ConfigurationError */
function fitsOf({ ids, filter, group }: DeadLetterSelection): (letter: DeadLetter) => boolean {
  if (group !== undefined) checkGroup(group);
  const named = ids && new Set(ids);
  const matches = predicateOf(filter, 'an action on dead letters');
  return (letter) => (named === undefined || named.has(letter.id)) && (group === undefined || groupOf(letter) === group) && matches(letter);
}

/** As inspection groups what it has seen fail. */
function groupOf(letter: DeadLetter): string | undefined {
  const mark = markOfLetter(letter);
  return mark && failureId(letter.name ?? '', mark);
}

function itemOf({ id, name }: DeadLetter, queue: string): { id: string; name?: string; queue: string } {
  return { id, ...(name === undefined ? {} : { name }), queue };
}

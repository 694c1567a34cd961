import type { ChannelModel } from 'amqplib';
import { withChannel } from '../../amqp/open-channel.js';
import { declareInOneOf, ownForms, type QueueArguments } from '../../amqp/queue-forms.js';

/** The records are the ledger: whoever gets that queue keeps it, and then takes the requests. */
export interface LedgerQueues {
  readonly records: string;
  readonly requests: string;
  /** Where the server puts what it removes from them by itself. */
  readonly returns: string;
}

/** As they are there. */
export interface FoundLedgerQueues extends LedgerQueues {
  /** Of the queue of the records. */
  readonly type: 'classic' | 'quorum';
}

/** A consumer holds at most 65,535 messages of a quorum queue; beside each entry one that is outdated may lie there still. */
export const MOST_ENTRIES_IN_QUORUM = 30_000;

export function quorumLedgerWarning(records: string): string {
  return `The ledger lies in "${records}", which was made with the server's default type: it is a quorum queue, and holds at most ${MOST_ENTRIES_IN_QUORUM} entries. `
    + 'It is used as it is. For more, stop all processes, delete that queue and the one of its requests, and start them: they are made anew, empty.';
}

/**
 * Makes the queues of a ledger, or takes them as they are found: as version 0.1.0 made them, they are quorum queues
 * where that is the server's default type.
 */
export async function declareLedgerQueues(model: ChannelModel, queues: LedgerQueues): Promise<FoundLedgerQueues> {
  const form = await declareOne(model, queues.records, queues.returns);
  await declareOne(model, queues.requests, queues.returns);
  return { ...queues, type: form['x-queue-type'] === 'quorum' ? 'quorum' : 'classic' };
}

/** One consumer at a time gets what is in it: that one keeps the ledger. */
async function declareOne(model: ChannelModel, queue: string, returns: string): Promise<QueueArguments> {
  const forms = ownForms(returns).map((form) => ({ ...form, 'x-single-active-consumer': true }));
  return declareInOneOf(forms, (form) => withChannel(model, (channel) => channel.assertQueue(queue, { durable: true, arguments: form })));
}

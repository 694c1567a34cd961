import type { ChannelModel } from 'amqplib';
import { BrokerError, UnroutableTaskError } from '../../../errors.js';
import type { Address, Message } from '../../broker.js';
import type { Publisher } from '../publishing/publisher.js';
import { withDelayed, type Delayed } from './delayed-header.js';
import type { DelayInfrastructure } from './delay-infrastructure.js';
import { delayRoutingKey, delayUnits, entryLevel, FORWARDED, levelName, LONGEST_DELAY_MS } from './delay-ladder.js';

/**
 * Puts messages onto the ladder. What comes out of it is published by the forwarder, also what goes to one queue: were
 * that queue bound to the ladder and full, everything else on its level would stand still behind it.
 */
export class DelayedPublishing {
  constructor(
    private readonly exchange: string,
    private readonly publisher: Publisher,
    private readonly infrastructure: DelayInfrastructure,
    private readonly connection: () => Promise<ChannelModel>,
  ) {}

  async publish(message: Message, address: Address, delayMs: number): Promise<void> {
    // Refused at once, before anything is declared for it.
    delayUnits(delayMs);
    const due = Math.ceil(Date.now() + delayMs) + 1;
    return this.enter(message, { due, to: address, tries: 0 }, 'queue' in address ? address.queue : undefined);
  }

  /** To be published by the forwarder, whichever process that is. */
  sendOn(message: Message, delayed: Delayed): Promise<void> {
    return this.enter(message, delayed, undefined);
  }

  /** The ladder and the way out of it must be there before the message may enter; and the `queue` that it is for. */
  private async enter(plain: Message, delayed: Delayed, queue: string | undefined): Promise<void> {
    const { admission } = this.publisher;
    const message = withDelayed(plain, delayed);
    const bytes = message.body.length;
    const refusal = admission.refusal(bytes);
    if (refusal !== undefined) throw refusal;
    admission.enter(bytes);
    try {
      await this.infrastructure.prepare(await this.connection(), queue);
    } catch (error) {
      throw queue === undefined ? error : noSuchQueue(error, queue);
    } finally {
      admission.leave(bytes);
    }
    // Now: whatever the preparation took is not to be waited again.
    const units = delayUnits(Math.min(LONGEST_DELAY_MS, Math.max(1, delayed.due - Date.now())));
    return this.publisher.publish(message, levelName(this.exchange, entryLevel(units)), delayRoutingKey(units, FORWARDED));
  }
}

function noSuchQueue(error: unknown, queue: string): unknown {
  if (!(error instanceof BrokerError) || error.code !== 'ERR_DISPATCHER_NOT_FOUND') return error;
  return new UnroutableTaskError(`There is no queue "${queue}" to deliver to after the delay: declare it first.`, { queue });
}

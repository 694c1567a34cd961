import type { ChannelModel } from 'amqplib';
import { BrokerError, UnroutableTaskError } from '../../../errors.js';
import type { Address, Message } from '../../broker.js';
import type { Publisher } from '../publishing/publisher.js';
import { withDelayed, type Delayed } from './delayed-header.js';
import type { DelayInfrastructure } from './delay-infrastructure.js';
import { delayRoutingKey, delayUnits, entryLevel, FORWARDED, levelName, LONGEST_DELAY_MS, queueToken } from './delay-ladder.js';

/** Puts messages onto the ladder: those for one queue, and those that are routed when they are due. */
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
    if ('queue' in address) return this.enter(message, due, address.queue);
    return this.sendOn(message, { due, routingKey: address.routingKey, tries: 0 });
  }

  /** To be routed by the forwarder, whichever process that is. */
  sendOn(message: Message, delayed: Delayed): Promise<void> {
    return this.enter(withDelayed(message, delayed), delayed.due, undefined);
  }

  /** The ladder and the way out of it must be there before the message may enter. */
  private async enter(message: Message, due: number, queue: string | undefined): Promise<void> {
    const { admission } = this.publisher;
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
    const units = delayUnits(Math.min(LONGEST_DELAY_MS, Math.max(1, due - Date.now())));
    return this.publisher.publish(message, levelName(this.exchange, entryLevel(units)), delayRoutingKey(units, queue === undefined ? FORWARDED : queueToken(queue)));
  }
}

function noSuchQueue(error: unknown, queue: string): unknown {
  if (!(error instanceof BrokerError) || error.code !== 'ERR_DISPATCHER_NOT_FOUND') return error;
  return new UnroutableTaskError(`There is no queue "${queue}" to deliver to after the delay: declare it first.`, { queue });
}

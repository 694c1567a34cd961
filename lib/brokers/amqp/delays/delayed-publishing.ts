import type { ChannelModel } from 'amqplib';
import { BrokerError, BrokerUnavailableError, UnroutableTaskError } from '../../../errors.js';
import { clock } from '../../../time/clock.js';
import type { Address, Message } from '../../broker.js';
import { pauseUntil } from '../../../time/pause-until.js';
import { makeStopper } from '../../../time/stopper.js';
import type { Publisher } from '../publishing/publisher.js';
import { withDelayed, type Delayed } from './delayed-header.js';
import type { DelayInfrastructure } from './delay-infrastructure.js';
import { delayRoutingKey, delayUnits, entryLevel, FORWARDED, levelName, LONGEST_DELAY_MS } from './delay-ladder.js';

/** Between two attempts to declare the ladder. */
const RETRY_MS = 100;

export interface DelayedPublishingHost {
  /** The connection, once it stands. @throws BrokerUnavailableError after the limit; ShutdownError */
  connection(limitMs: number): Promise<ChannelModel>;
  /** How long a publish may take. */
  readonly maxWaitMs: number;
}

/**
 * Puts messages onto the ladder. What comes out of it is published by the forwarder, also what goes to one queue: were
 * that queue bound to the ladder and full, everything else on its level would stand still behind it.
 */
export class DelayedPublishing {
  private readonly stopping = makeStopper();

  constructor(
    private readonly exchange: string,
    private readonly publisher: Publisher,
    private readonly infrastructure: DelayInfrastructure,
    private readonly host: DelayedPublishingHost,
  ) {}

  async publish(message: Message, address: Address, delayMs: number): Promise<void> {
    // Refused at once, before anything is declared for it.
    delayUnits(delayMs);
    const due = Math.ceil(clock.now() + delayMs) + 1;
    return this.enter(message, { due, to: address, tries: 0 }, 'queue' in address ? address.queue : undefined);
  }

  /** The connection closes: nobody waits before asking for it again, and being refused. */
  close(): void {
    this.stopping.abort();
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
      await this.prepare(queue);
    } catch (error) {
      throw queue === undefined ? error : noSuchQueue(error, queue);
    } finally {
      admission.leave(bytes);
    }
    // Now: whatever the preparation took is not to be waited again.
    const units = delayUnits(Math.min(LONGEST_DELAY_MS, Math.max(1, delayed.due - clock.now())));
    return this.publisher.publish(message, levelName(this.exchange, entryLevel(units)), delayRoutingKey(units, FORWARDED));
  }

  /** A connection or a channel that goes meanwhile is no reason to refuse: as with any publish, the next one will do. */
  private async prepare(queue: string | undefined): Promise<void> {
    const deadline = clock.elapsed() + this.host.maxWaitMs;
    for (;;) {
      const model = await this.host.connection(Math.max(0, deadline - clock.elapsed()));
      try {
        return await this.infrastructure.prepare(model, queue);
      } catch (error) {
        if (!(error instanceof BrokerUnavailableError) || clock.elapsed() + RETRY_MS > deadline) throw error;
      }
      await pauseUntil(RETRY_MS, this.stopping.signal);
    }
  }
}

function noSuchQueue(error: unknown, queue: string): unknown {
  if (!(error instanceof BrokerError) || error.code !== 'ERR_DISPATCHER_NOT_FOUND') return error;
  return new UnroutableTaskError(`There is no queue "${queue}" to deliver to after the delay: declare it first.`, { queue });
}

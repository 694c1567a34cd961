import { BrokerRefusedError, InvalidTaskError, TaskRejectedError, UnroutableTaskError } from '../../../errors.js';
import { keyWithoutLevel } from '../../../task/queue-lines.js';
import { pauseUntil } from '../../../time/pause-until.js';
import { makeStopper } from '../../../time/stopper.js';
import type { Address, BeforeUndelivered, BrowsedMessage, Delivery, Message } from '../../broker.js';
import { exponentialPause } from '../../connection/reconnection-policy.js';
import type { ConsumptionHost } from '../consuming/amqp-consumption.js';
import type { AmqpDelivery } from '../consuming/amqp-delivery.js';
import type { Publisher } from '../publishing/publisher.js';
import { type Delayed, withoutDelayed } from './delayed-header.js';
import type { DelayedPublishing } from './delayed-publishing.js';
import type { DelayInfrastructure } from './delay-infrastructure.js';
import type { ServerClock } from './server-clock.js';
import { UndeliveredQueue } from './undelivered-queue.js';

export const FIRST_RETRY_MS = 1_000;
export const LONGEST_RETRY_MS = 60_000;

export interface ForwarderHost extends ConsumptionHost {
  warn(message: string): void;
  /** See `Broker.signal`. */
  signal(): Promise<void>;
  /** See `Broker.beforeUndelivered`. */
  beforeUndelivered: BeforeUndelivered;
}

/**
 * Publishes what is due to the main exchange, or to its queue, as if it were published only now; confirmed first,
 * acknowledged then, so that nothing is lost whatever dies in between.
 */
export class Forwarding {
  private readonly stopping = makeStopper();
  private lastWarning = '';
  private readonly undelivered: UndeliveredQueue;

  constructor(
    private readonly exchange: string,
    private readonly publisher: Publisher,
    infrastructure: DelayInfrastructure,
    private readonly delayed: DelayedPublishing,
    private readonly time: ServerClock,
    readonly host: ForwarderHost,
  ) {
    this.undelivered = new UndeliveredQueue(exchange, publisher, {
      warn: (message) => host.warn(message), beforeUndelivered: host.beforeUndelivered,
      redeclare: async () => infrastructure.declareEnd(await host.connection()),
    });
  }

  get signal(): AbortSignal {
    return this.stopping.signal;
  }

  /** Nothing new begins; what is under way is finished. */
  stop(): void {
    this.stopping.abort();
  }

  /**
   * Never rejects. A delivery that is left alone here goes back when the channel closes.
   *
   * @param forward true once it has a place elsewhere; false when we close before that
   */
  async take(delivery: AmqpDelivery, forward: () => Promise<boolean>): Promise<void> {
    const { signal } = this;
    for (let failures = 0; !signal.aborted && !delivery.isLost; failures++) {
      try {
        if (await forward()) delivery.ack();
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.warnOnce(`A delayed task could not be forwarded and is tried again. ${(error as Error).message}`);
        await pauseUntil(exponentialPause(failures, FIRST_RETRY_MS, LONGEST_RETRY_MS, () => this.host.random()), signal);
        // A quorum queue counts what comes back, and drops it in the end: that is kept and tried here.
        if (delivery.deliveryCount === undefined) return void (signal.aborted || delivery.requeue());
      }
    }
  }

  async hand(message: Message, delayed: Delayed): Promise<true> {
    await this.publish(message, delayed);
    // A note that was missing for a moment: who has read meanwhile reads again.
    if (isNoteQueue(delayed.to, this.exchange)) await this.host.signal().catch(() => undefined);
    return true;
  }

  /** To wait for what is left of its delay. */
  async sendBack(message: Message, delayed: Delayed): Promise<true> {
    await this.delayed.sendOn(message, delayed);
    return true;
  }

  /** Nobody of ours has sent it there. */
  async putAside(delivery: Delivery): Promise<true> {
    const stray = { ...withoutDelayed(delivery), exchange: this.exchange, routingKey: delivery.routingKey };
    const problem = `It came to "${delivery.queue}" without saying for whom it is: only delayed tasks of this library belong there.`;
    await this.undelivered.tell(stray, problem);
    await this.undelivered.bury(stray, problem);
    return true;
  }

  private async publish(message: Message, delayed: Delayed): Promise<void> {
    const { to } = delayed;
    const [exchange, routingKey] = 'queue' in to ? ['', to.queue] : [this.exchange, to.routingKey];
    try {
      await this.publisher.publish(message, exchange, routingKey);
    } catch (error) {
      if (error instanceof UnroutableTaskError) {
        const plain = 'queue' in to ? undefined : keyWithoutLevel(routingKey, message.properties.headers);
        if (plain !== undefined) return this.publish(message, { ...delayed, to: { routingKey: plain } });
        // Whom it would tell something has gone.
        if (isReplyQueue(to, this.exchange)) return;
        return this.giveUp({ ...message, exchange, routingKey }, delayed, this.nowhere(to));
      }
      if (error instanceof InvalidTaskError) return this.giveUp({ ...message, exchange, routingKey }, delayed, error.message);
      if (!(error instanceof TaskRejectedError || error instanceof BrokerRefusedError)) throw error;
      // A full queue, for one.
      await this.putOff(message, delayed);
    }
  }

  /** Meanwhile it waits where it is in nobody's way. */
  private async putOff(message: Message, { to, tries }: Delayed): Promise<void> {
    await this.sendBack(message, { due: this.time.earliest + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(tries, 10)), to, tries: tries + 1 });
  }

  private async giveUp(message: BrowsedMessage, delayed: Delayed, problem: string): Promise<void> {
    try {
      await this.undelivered.tell(message, problem);
    } catch (error) {
      this.warnOnce(`A delayed task cannot be delivered, and it cannot be told now that it ends so; it waits, and is tried again. ${(error as Error).message}`);
      return this.putOff(message, delayed);
    }
    await this.undelivered.bury(message, problem);
  }

  private nowhere(to: Address): string {
    if ('queue' in to) return `When it was due, there was no queue "${to.queue}" any more. Declare it, then publish it again.`;
    return `When it was due, no queue was bound to the exchange "${this.exchange}" with the routing key "${to.routingKey}". Bind one, then publish it again.`;
  }

  private warnOnce(message: string): void {
    if (message === this.lastWarning) return;
    this.lastWarning = message;
    this.host.warn(message);
  }
}

function isNoteQueue(to: Address, exchange: string): boolean {
  return 'queue' in to && to.queue.startsWith(`${exchange}.control.`);
}

function isReplyQueue(to: Address, exchange: string): boolean {
  return 'queue' in to && to.queue.startsWith(`${exchange}.replies.`);
}

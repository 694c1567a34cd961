import type { ChannelModel } from 'amqplib';
import { CLASSIC, guardedBy } from '../../../amqp/queue-forms.js';
import type { Message, Replies } from '../../broker.js';
import { BrokerError, ShutdownError } from '../../../errors.js';
import { withChannel } from '../../../amqp/open-channel.js';
import { within } from '../../../time/within.js';
import { AmqpConsumption, type ConsumptionHost } from '../consuming/amqp-consumption.js';
import { declarationFailure } from '../topology/declaration-failure.js';

const PREFETCH = 300;
const DELETE_LIMIT_MS = 2_000;
const OPENING_LIMIT_MS = 2_000;

/** The queue of one process: durable, because it must outlive the connection; it expires once nobody has consumed it for a while. */
export function repliesName(exchange: string, instance: string): string {
  return `${exchange}.replies.v1.${instance}`;
}

/** One reply queue and its consumer, through every connection that it takes. */
export class AmqpReplies implements Replies {
  private readonly consumption: AmqpConsumption;
  private opening: Promise<void> = Promise.resolve();
  private closing: Promise<void> | undefined;

  /** @param returns the queue of what a policy of the server removes from it */
  constructor(readonly address: string, private readonly returns: string, private readonly expiresMs: number, onReply: (message: Message) => void, private readonly host: ConsumptionHost) {
    this.consumption = new AmqpConsumption(address, { tag: address, prefetch: PREFETCH }, (delivery) => {
      // What cannot be used now cannot be used later either.
      delivery.ack();
      onReply(delivery);
    }, { ...host, redeclare: (model) => this.declare(model) });
  }

  get isClosed(): boolean { return this.closing !== undefined; }

  open(limitMs: number): Promise<void> {
    this.opening = this.start(limitMs);
    return this.opening;
  }

  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async start(limitMs: number): Promise<void> {
    const model = await this.host.connection(limitMs);
    if (this.isClosed) throw new ShutdownError(`The reply queue "${this.address}" was closed while it was being opened.`);
    await this.declare(model);
    await this.consumption.start(limitMs);
  }

  private async declare(model: ChannelModel): Promise<void> {
    try {
      const form = { ...CLASSIC, ...guardedBy(this.returns), 'x-expires': this.expiresMs };
      await withChannel(model, (channel) => channel.assertQueue(this.address, { durable: true, arguments: form }));
    } catch (error) {
      throw declarationFailure(error, `Queue "${this.address}"`);
    }
  }

  private async end(): Promise<void> {
    // A declaration that is on its way would come after the removal.
    await within(OPENING_LIMIT_MS, this.opening.catch(() => undefined));
    await this.consumption.close();
    // Without a connection the server removes it, when it expires.
    if (!this.host.isConnected()) return;
    const model = await this.host.connection(DELETE_LIMIT_MS);
    await within(DELETE_LIMIT_MS, withChannel(model, (channel) => channel.deleteQueue(this.address)).catch(() => undefined));
  }
}

export function repliesOpen(address: string): BrokerError {
  return new BrokerError('ERR_DISPATCHER_REPLIES_OPEN',
    `The reply queue "${address}" of this broker is open already, and there is one at most. Share it, or close it before another is opened.`, { address });
}

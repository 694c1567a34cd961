import type { ChannelModel } from 'amqplib';
import type { Message, Replies } from '../../broker.js';
import { withChannel } from '../connection/open-channel.js';
import { within } from '../connection/pause.js';
import { AmqpConsumption, type ConsumptionHost } from '../consuming/amqp-consumption.js';
import { declarationFailure } from '../topology/declaration-failure.js';

const PREFETCH = 300;
const DELETE_LIMIT_MS = 2_000;

/** The queue of one process: durable, because it must outlive the connection; it expires once nobody has consumed it for a while. */
export function repliesName(exchange: string, instance: string): string {
  return `${exchange}.replies.v1.${instance}`;
}

/** One reply queue and its consumer, through every connection that it takes. */
export class AmqpReplies implements Replies {
  private readonly consumption: AmqpConsumption;
  private closing: Promise<void> | undefined;

  constructor(readonly address: string, private readonly expiresMs: number, onReply: (message: Message) => void, private readonly host: ConsumptionHost) {
    this.consumption = new AmqpConsumption(address, { tag: address, prefetch: PREFETCH }, (delivery) => {
      // What cannot be used now cannot be used later either.
      delivery.ack();
      onReply(delivery);
    }, { ...host, redeclare: (model) => this.declare(model) });
  }

  async open(limitMs: number): Promise<void> {
    await this.declare(await this.host.connection(limitMs));
    await this.consumption.start(limitMs);
  }

  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async declare(model: ChannelModel): Promise<void> {
    try {
      await withChannel(model, (channel) => channel.assertQueue(this.address, { durable: true, arguments: { 'x-expires': this.expiresMs } }));
    } catch (error) {
      throw declarationFailure(error, `Queue "${this.address}"`);
    }
  }

  private async end(): Promise<void> {
    await this.consumption.close();
    // Without a connection the server removes it, when it expires.
    if (!this.host.isConnected()) return;
    const model = await this.host.connection(DELETE_LIMIT_MS);
    await within(DELETE_LIMIT_MS, withChannel(model, (channel) => channel.deleteQueue(this.address)).catch(() => undefined));
  }
}

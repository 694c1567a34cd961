import type { MessageProperties } from 'amqplib';
import type { Listener } from '../../support/tcp-proxy.js';
import { Frames, type Method } from './frames.js';

interface Carried { readonly properties: Partial<MessageProperties>; readonly body: Buffer }

/** What matters of a connection, in the order in which it passed. `publish` is of this connection alone, `delivery` too. */
export type WireEvent =
  | { readonly kind: 'publish'; readonly publish: string; readonly exchange: string; readonly routingKey: string } & Carried
  /** The server has it for good. */
  | { readonly kind: 'confirm'; readonly publish: string }
  | { readonly kind: 'refuse'; readonly publish: string }
  | { readonly kind: 'deliver'; readonly delivery: string; readonly queue: string; readonly redelivered: boolean } & Carried
  | { readonly kind: 'ack'; readonly delivery: string }
  | { readonly kind: 'requeue'; readonly delivery: string }
  /** What is neither confirmed nor settled there never will be; all ids of these channels begin so. */
  | { readonly kind: 'closed'; readonly channels: readonly string[]; readonly isWhole: boolean };

interface ChannelState { life: number; confirms: boolean; published: number; unconfirmed: number[]; unsettled: number[]; asked: { queue: string; noAck: boolean }[]; consumers: Map<string, { queue: string; noAck: boolean }> }

/** Follows both ends of one connection. */
export class Conversation implements Listener {
  private readonly frames = { client: new Frames('client'), server: new Frames('server') };
  private readonly channels = new Map<number, ChannelState>();
  private lives = 0;

  constructor(private readonly name: string, private readonly tell: (event: WireEvent) => void) {}

  client(data: Buffer): void {
    for (const method of this.frames.client.read(data)) this.clientSaid(method);
  }

  server(data: Buffer): void {
    for (const method of this.frames.server.read(data)) this.serverSaid(method);
  }

  closed(): void {
    this.end([...this.channels.keys()], true);
  }

  private clientSaid(method: Method): void {
    const { name, channel, fields } = method;
    const state = this.state(channel);
    switch (name) {
      case 'ConfirmSelect': state.confirms = true; break;
      case 'BasicConsume': state.asked.push({ queue: fields.queue as string, noAck: fields.noAck === true }); break;
      case 'BasicPublish': this.published(method, state); break;
      case 'BasicAck': this.settled('ack', channel, state.unsettled, fields); break;
      case 'BasicNack': case 'BasicReject': this.settled('requeue', channel, state.unsettled, fields); break;
      case 'ChannelClose': this.end([channel]); break;
    }
  }

  private serverSaid(method: Method): void {
    const { name, channel, fields } = method;
    const state = this.state(channel);
    switch (name) {
      case 'BasicConsumeOk': state.consumers.set(fields.consumerTag as string, state.asked.shift() ?? { queue: '', noAck: true }); break;
      case 'BasicDeliver': this.delivered(method, state); break;
      case 'BasicAck': this.settled('confirm', channel, state.unconfirmed, fields); break;
      case 'BasicNack': this.settled('refuse', channel, state.unconfirmed, fields); break;
      case 'ChannelClose': this.end([channel]); break;
    }
  }

  private published({ channel, fields, properties = {}, body = Buffer.alloc(0) }: Method, state: ChannelState): void {
    const number = ++state.published;
    if (state.confirms) state.unconfirmed.push(number);
    this.tell({ kind: 'publish', publish: this.id(channel, number), exchange: fields.exchange as string, routingKey: fields.routingKey as string, properties, body });
  }

  private delivered({ channel, fields, properties = {}, body = Buffer.alloc(0) }: Method, state: ChannelState): void {
    const { queue, noAck } = state.consumers.get(fields.consumerTag as string) ?? { queue: '', noAck: true };
    if (!noAck) state.unsettled.push(fields.deliveryTag as number);
    this.tell({ kind: 'deliver', delivery: this.id(channel, fields.deliveryTag as number), queue, redelivered: fields.redelivered === true, properties, body });
  }

  private settled(kind: 'ack' | 'requeue' | 'confirm' | 'refuse', channel: number, open: number[], { deliveryTag, multiple }: Record<string, unknown>): void {
    const tag = deliveryTag as number;
    const those = open.filter((one) => one === tag || (multiple === true && one <= tag));
    for (const one of those) {
      open.splice(open.indexOf(one), 1);
      const id = this.id(channel, one);
      this.tell(kind === 'ack' || kind === 'requeue' ? { kind, delivery: id } : { kind, publish: id });
    }
  }

  private end(channels: readonly number[], isWhole = false): void {
    const event = { kind: 'closed', channels: channels.map((channel) => this.id(channel, '')), isWhole } as const;
    for (const channel of channels) this.channels.delete(channel);
    // The number of a channel is used again.
    this.lives++;
    this.tell(event);
  }

  private state(channel: number): ChannelState {
    const known = this.channels.get(channel) ?? { life: this.lives, confirms: false, published: 0, unconfirmed: [], unsettled: [], asked: [], consumers: new Map() };
    this.channels.set(channel, known);
    return known;
  }

  private id(channel: number, number: number | ''): string {
    return `${this.name}.${channel}.${this.state(channel).life}.${number}`;
  }
}

import type { ChannelModel, ConsumeMessage, Options } from 'amqplib';

/** One message of the queue, and what of it a killed server would still know. */
interface Message {
  readonly queue: 'records' | 'requests';
  readonly body: Buffer;
  readonly properties: Options.Publish;
  delivered: boolean;
  redelivered: boolean;
  acknowledged: boolean;
  publishOnDisk: boolean;
  confirm: ((error: unknown) => void) | undefined;
}

type Callback = (message: ConsumeMessage | null) => void;

/** One of a keeper's channels: what it says is on its way until {@link SimulatedLedgerQueues.transmit} takes it. */
class SimulatedChannel {
  readonly outgoing: (() => void)[] = [];
  readonly unacknowledged = new Map<number, Message>();
  callback: Callback | undefined;
  lastTag = 0;

  constructor(private readonly queue: SimulatedLedgerQueues, readonly type: 'records' | 'requests') {}

  on(): this {
    return this;
  }

  async consume(_queue: string, callback: Callback): Promise<void> {
    this.callback = callback;
  }

  publish(_exchange: string, routingKey: string, body: Buffer, properties: Options.Publish, confirm?: (error: unknown) => void): boolean {
    this.outgoing.push(() => this.queue.publish(routingKey, body, properties, confirm));
    return true;
  }

  ack(message: ConsumeMessage): void {
    this.outgoing.push(() => this.queue.acknowledge(this, message.fields.deliveryTag));
  }

  async close(): Promise<void> {
    // The simulation ends channels by itself.
  }
}

/**
 * Two queues with one consumer, as RabbitMQ has them, and worse than RabbitMQ when it is killed: of all that
 * came after the latest confirm, publishes and acknowledgements alike, any may be lost and any be kept.
 */
export class SimulatedLedgerQueues {
  private messages: Message[] = [];
  /** Of those, in their order: what was not delivered, and what is not on disk as it stands. So that no step walks over all there is. */
  private waiting: Record<Message['queue'], Message[]> = { records: [], requests: [] };
  private unsynced: Message[] = [];
  private acknowledged = 0;
  private channels: SimulatedChannel[] = [];

  constructor(private readonly names: { records: string; requests: string }, private readonly random: () => number, private readonly onReply: (address: string, body: Buffer, properties: Options.Publish) => void) {}

  /** Of all messages that are not acknowledged, those that are no requests. */
  get records(): number {
    return this.messages.filter((message) => !message.acknowledged && message.properties.type === 'record').length;
  }

  get isIdle(): boolean {
    return this.channels.every(({ outgoing }) => outgoing.length === 0) && this.messages.every((message) => message.acknowledged || (message.delivered && message.confirm === undefined));
  }

  /** What a new keeper opens its channel on; the former one's is gone then. */
  model(): ChannelModel {
    this.loseKeeper();
    const open = async (type: 'records' | 'requests'): Promise<SimulatedChannel> => {
      const channel = new SimulatedChannel(this, type);
      this.channels.push(channel);
      return channel;
    };
    return { connection: {}, createConfirmChannel: () => open('records'), createChannel: () => open('requests') } as unknown as ChannelModel;
  }

  publish(routingKey: string, body: Buffer, properties: Options.Publish, confirm?: (error: unknown) => void): void {
    if (routingKey !== this.names.records && routingKey !== this.names.requests) return this.onReply(routingKey, body, properties);
    const transient = properties.persistent !== true;
    // What need not be kept is confirmed at once.
    if (transient) confirm?.(null);
    const message: Message = { queue: routingKey === this.names.records ? 'records' : 'requests', redelivered: false, body, properties, delivered: false, acknowledged: false, publishOnDisk: false, confirm: transient ? undefined : confirm };
    this.messages.push(message);
    this.waiting[message.queue].push(message);
    this.unsynced.push(message);
  }

  acknowledge(channel: SimulatedChannel, tag: number): void {
    const message = channel.unacknowledged.get(tag);
    if (message === undefined) throw new Error(`the delivery ${tag} was acknowledged twice, or never made: RabbitMQ would close the channel`);
    if (message.properties.persistent === true && !message.publishOnDisk && message.confirm !== undefined) throw new Error('a record was acknowledged before it was confirmed');
    channel.unacknowledged.delete(tag);
    message.acknowledged = true;
    this.acknowledged++;
  }

  /** Delivers the next message of one of the queues. False: there is none. */
  deliver(): boolean {
    return this.inAnyOrder((channel) => this.deliverTo(channel));
  }

  /** The next thing that the keeper has said on one of its channels reaches the server. False: there is none. */
  transmit(): boolean {
    return this.inAnyOrder(({ outgoing }) => {
      const next = outgoing.shift();
      next?.();
      return next !== undefined;
    });
  }

  private inAnyOrder(act: (channel: SimulatedChannel) => boolean): boolean {
    const channels = this.random() < 0.5 ? this.channels : this.channels.toReversed();
    return channels.some(act);
  }

  private deliverTo(channel: SimulatedChannel): boolean {
    if (channel.callback === undefined) return false;
    const message = this.waiting[channel.type].shift();
    if (message === undefined) return false;
    message.delivered = true;
    const deliveryTag = ++channel.lastTag;
    channel.unacknowledged.set(deliveryTag, message);
    const { redelivered } = message;
    const { type, messageId, correlationId, replyTo } = message.properties;
    channel.callback({ content: message.body, fields: { deliveryTag, redelivered }, properties: { type, messageId, correlationId, replyTo } } as unknown as ConsumeMessage);
    return true;
  }

  /** All that was done so far is on disk, and then confirmed. */
  sync(): void {
    const { unsynced } = this;
    this.unsynced = [];
    for (const message of unsynced) message.publishOnDisk = true;
    if (this.acknowledged > 0) this.messages = this.messages.filter(({ acknowledged }) => !acknowledged);
    this.acknowledged = 0;
    for (const message of unsynced) {
      const { confirm } = message;
      message.confirm = undefined;
      confirm?.(null);
    }
  }

  /** Its process dies: what it has said and the server has not read is lost, what it had is delivered anew. */
  loseKeeper(): void {
    this.channels = [];
    for (const message of this.messages) {
      message.redelivered ||= message.delivered;
      message.delivered = false;
      message.confirm = undefined;
    }
    this.lineUp();
  }

  private lineUp(): void {
    const waiting = this.messages.filter(({ acknowledged }) => !acknowledged);
    this.waiting = { records: waiting.filter(({ queue }) => queue === 'records'), requests: waiting.filter(({ queue }) => queue === 'requests') };
  }

  /** SIGKILL of the server, and a new start. */
  crash(): void {
    this.loseKeeper();
    this.messages = this.messages.filter((message) => {
      if (message.properties.persistent !== true) return false;
      if (!message.publishOnDisk && this.random() < 0.5) return false;
      const forgotten = message.acknowledged && this.random() < 0.5;
      return !message.acknowledged || forgotten;
    });
    for (const message of this.messages) {
      message.acknowledged = false;
      message.publishOnDisk = true;
    }
    this.unsynced = [];
    this.acknowledged = 0;
    this.lineUp();
  }
}

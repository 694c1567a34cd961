import type { Consumption, ConsumeOptions, Delivery } from '../../../lib/brokers/broker.js';
import { BrokerError } from '../../../lib/errors.js';
import { clock } from '../../../lib/time/clock.js';
import { within } from '../../../lib/time/within.js';
import type { Link } from '../link.js';
import type { Copy, ServerConsumer } from './server-queue.js';
import type { BrokerServer } from './server.js';

const STOP_LIMIT_MS = 5_000;
const CLOSE_LIMIT_MS = 2_000;
const RESTORE_PAUSE_MS = 500;

export interface ConsumptionHost {
  readonly server: BrokerServer;
  /** The connection, where there is one now. */
  link(): Link | undefined;
  redeclare(): Promise<void>;
  /** About so long, or until the broker is closed. */
  pause(ms: number): Promise<void>;
  lost(queue: string, error: BrokerError): void;
  restored(queue: string): void;
  failed(queue: string, error: unknown): void;
  ended(consumption: SimulatedConsumption): void;
}

/** What a process holds of one queue, across connections. */
export class SimulatedConsumption implements Consumption {
  private consumer: ServerConsumer | undefined;
  private isStopped = false;
  private isSilent = false;
  private prefetch: number;
  private stopping: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  constructor(private readonly queue: string, options: ConsumeOptions, private readonly onDelivery: (delivery: Delivery) => void, private readonly host: ConsumptionHost) {
    this.prefetch = options.prefetch;
  }

  /** @throws BrokerError where there is no such queue */
  open(link: Link): Promise<void> {
    if (this.isStopped) return Promise.resolve();
    const { server } = this.host;
    const consumer: ServerConsumer = {
      link, prefetch: this.prefetch, isCancelled: false, unsettled: new Map(),
      deliver: (copy, tag) => link.answer(`deliver ${copy.message.properties.messageId ?? copy.id}${copy.redelivered ? ' again' : ''}`, () => this.deliver(consumer, copy, tag)),
      cancelled: () => link.answer(`cancelled ${this.queue}`, () => { if (this.consumer === consumer) void this.recover(); }),
    };
    return new Promise((resolve, reject) => link.send(`consume ${this.queue}`, () => {
      const isThere = server.queues.has(this.queue);
      link.answer(`consuming ${this.queue}`, () => {
        if (!isThere) return reject(new BrokerError('ERR_DISPATCHER_NOT_FOUND', `There is no queue "${this.queue}".`));
        this.consumer = consumer;
        if (this.isStopped) link.send(`close ${this.queue}`, () => server.endConsumer(this.queue, consumer));
        if (consumer.prefetch !== this.prefetch) void this.setPrefetch(this.prefetch);
        return resolve();
      });
      server.consume(this.queue, consumer);
    }));
  }

  setPrefetch(prefetch: number): Promise<void> {
    this.prefetch = prefetch;
    const { consumer } = this;
    if (consumer === undefined || consumer.link !== this.host.link()) return Promise.resolve();
    return new Promise((resolve) => {
      const { link } = consumer;
      const timer = clock.setTimeout(resolve, STOP_LIMIT_MS);
      link.send(`prefetch ${this.queue} ${prefetch}`, () => {
        this.host.server.setPrefetch(this.queue, consumer, prefetch);
        link.answer(`prefetch ${this.queue}`, () => { clock.clear(timer); resolve(); });
      });
    });
  }

  stop(): Promise<void> {
    this.isStopped = true;
    return (this.stopping ??= this.cancel());
  }

  close(): Promise<void> {
    return (this.closing ??= this.finish());
  }

  /** The connection is gone, and with it whatever was not settled. */
  lost(): void {
    this.consumer = undefined;
  }

  private deliver(consumer: ServerConsumer, copy: Copy, tag: number): void {
    const { link } = consumer;
    let isSettled = false;
    const settle = (how: 'ack' | 'requeue') => (): boolean => {
      if (isSettled || link !== this.host.link()) return false;
      isSettled = true;
      link.send(`${how} ${copy.message.properties.messageId ?? copy.id}`, () => this.host.server.settle(this.queue, consumer, tag, how));
      return true;
    };
    const { message: { body, properties }, exchange, routingKey, redelivered, returns } = copy;
    const headers = properties.headers === undefined ? {} : { headers: { ...properties.headers } };
    const counted = this.host.server.queues.get(this.queue)?.isQuorum === true ? { deliveryCount: returns } : {};
    const delivery: Delivery = { body, properties: { ...properties, ...headers }, queue: this.queue, exchange, routingKey, redelivered, ...counted, ack: settle('ack'), requeue: settle('requeue') };
    if (this.isSilent) return void delivery.requeue();
    try {
      this.onDelivery(delivery);
    } catch (error) {
      this.host.failed(this.queue, error);
    }
  }

  private async recover(): Promise<void> {
    this.consumer = undefined;
    this.host.lost(this.queue, new BrokerError('ERR_DISPATCHER_CONSUMER_CANCELLED', `The consumer of "${this.queue}" was cancelled: the queue was deleted.`));
    while (!this.isStopped) {
      await this.host.pause(RESTORE_PAUSE_MS);
      const link = this.host.link();
      // The next connection consumes anew.
      if (this.isStopped || link === undefined || this.consumer !== undefined) return;
      try {
        await this.host.redeclare();
        if (link !== this.host.link()) return;
        await this.open(link);
        return this.host.restored(this.queue);
      } catch {
        // Deleted once more, or the connection went.
      }
    }
  }

  private async cancel(): Promise<void> {
    const { consumer } = this;
    if (consumer !== undefined && consumer.link === this.host.link()) {
      const { link } = consumer;
      await within(STOP_LIMIT_MS, new Promise<void>((resolve) => link.send(`cancel ${this.queue}`, () => {
        consumer.isCancelled = true;
        link.answer(`cancelled by us ${this.queue}`, resolve);
      })));
    }
    this.isSilent = true;
  }

  private async finish(): Promise<void> {
    await this.stop();
    const { consumer } = this;
    if (consumer !== undefined && consumer.link === this.host.link()) {
      const { link } = consumer;
      await within(CLOSE_LIMIT_MS, new Promise<void>((resolve) => link.send(`close ${this.queue}`, () => {
        this.host.server.endConsumer(this.queue, consumer);
        link.answer(`closed ${this.queue}`, resolve);
      })));
    }
    this.consumer = undefined;
    this.host.ended(this);
  }
}

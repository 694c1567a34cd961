import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import type { AmqpBrokerOptions } from '../../lib/brokers/amqp/amqp-broker-options.js';
import { dueName } from '../../lib/brokers/amqp/delays/delay-ladder.js';
import type { BrokerEvent, Delivery, Message, MessageProperties } from '../../lib/brokers/broker.js';
import { removeExchange } from './amqp-clean-up.js';
import { sharedRabbitMqUrl, uniqueName, withChannel } from './shared-rabbitmq.js';
import { onTestFinished } from './test-end.js';
import { Arrivals, eventually } from './wait.js';

const url = sharedRabbitMqUrl();

/** What each test has for itself: an exchange, a queue's name, and brokers that are closed at its end. */
export class Scene {
  readonly exchange = uniqueName('delays');
  readonly queue = `${this.exchange}.q`;
  readonly brokers: AmqpBroker[] = [];
  readonly events = new Arrivals<BrokerEvent>();
  /** By its body: when each was first delivered, of what is collected. */
  readonly arrivedAt = new Map<string, number>();

  private constructor(private readonly options: Partial<AmqpBrokerOptions>) {
    onTestFinished(async () => {
      await Promise.all(this.brokers.map((one) => one.close(5_000)));
      await removeExchange(url, this.exchange, [this.queue, `${this.queue}2`]);
    });
  }

  static async begin(options: Partial<AmqpBrokerOptions> = {}): Promise<Scene & { broker: AmqpBroker }> {
    const scene = new Scene(options);
    const broker = await scene.connect();
    broker.events.subscribe(scene.events.add);
    return Object.assign(scene, { broker });
  }

  readonly connect = async (at = url): Promise<AmqpBroker> => {
    const made = new AmqpBroker({ url: at, exchange: this.exchange, reconnection: { retries: 'forever', intervalMs: 50 }, ...this.options });
    this.brokers.push(made);
    await made.connect();
    return made;
  };

  /** As gofort declares it, by somebody else. */
  readonly goQueue = async (key: string): Promise<void> => {
    await withChannel(url, async (channel) => {
      await channel.assertExchange(this.exchange, 'direct', { durable: true });
      await channel.assertQueue(this.queue, { durable: true });
      await channel.bindQueue(this.queue, this.exchange, key);
    });
  };

  readonly collect = async (from: string): Promise<Arrivals<Delivery>> => {
    const deliveries = new Arrivals<Delivery>();
    await this.brokers[0]?.consume(from, { tag: 'test', prefetch: 10 }, (delivery) => {
      const body = delivery.body.toString();
      if (!this.arrivedAt.has(body)) this.arrivedAt.set(body, Date.now());
      delivery.ack();
      deliveries.add(delivery);
    });
    return deliveries;
  };

  /** Straight to where the ladder ends, as if it had come through it. */
  readonly publishAsDue = async (body: string, properties: MessageProperties): Promise<void> => {
    await this.brokers[0]?.publish({ body: Buffer.from(body), properties }, { queue: dueName(this.exchange) });
  };

  readonly forwarding = async (): Promise<void> => {
    await eventually(() => withChannel(url, async (channel) => (await channel.checkQueue(dueName(this.exchange))).consumerCount), (count) => count > 0, 'somebody to forward');
  };
}

export function message(body: string, properties: MessageProperties = { messageId: body }): Message {
  return { body: Buffer.from(body), properties };
}

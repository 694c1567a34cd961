import { EmbeddedBroker } from '../../../lib/brokers/embedded/embedded-broker.js';
import { parseEmbeddedUrl } from '../../../lib/brokers/embedded/embedded-url.js';
import type { TaskHeaders } from '../../../lib/index.js';
import { withChannel } from '../../support/shared-rabbitmq.js';
import { eventually } from '../../support/wait.js';

/** A message as it is found in a queue. */
export interface RawMessage { body: Buffer; headers: TaskHeaders }

/** Looks at a broker from outside: puts any bytes into a queue, and takes everything out of one. */
export interface RawAccess {
  send(queue: string, messages: readonly RawMessage[]): Promise<void>;
  /** Takes out so many, which must come. */
  take(queue: string, count: number, limitMs: number): Promise<RawMessage[]>;
}

export function rawAccess(brokerUrl: string): RawAccess {
  return brokerUrl.startsWith('embedded:') ? embeddedAccess(brokerUrl) : amqpAccess(brokerUrl);
}

/** With plain amqplib, as a foreign program would. */
function amqpAccess(url: string): RawAccess {
  return {
    send: (queue, messages) => withChannel(url, async (channel) => {
      for (const { body, headers } of messages) channel.sendToQueue(queue, body, { headers });
      await channel.waitForConfirms();
    }),
    take: (queue, count, limitMs) => withChannel(url, async (channel) => {
      const taken: RawMessage[] = [];
      await eventually(async () => {
        for (let next = await channel.get(queue, { noAck: true }); next !== false; next = await channel.get(queue, { noAck: true })) {
          taken.push({ body: next.content, headers: next.properties.headers as TaskHeaders });
        }
        return taken.length;
      }, (found) => found >= count, `${count} messages in ${queue}`, { limitMs, everyMs: 100 });
      return taken;
    }),
  };
}

function embeddedAccess(url: string): RawAccess {
  const withBroker = async <T>(use: (broker: EmbeddedBroker) => Promise<T>): Promise<T> => {
    const broker = new EmbeddedBroker({ exchange: 'raw', ...parseEmbeddedUrl(url) });
    try {
      await broker.connect();
      return await use(broker);
    } finally {
      await broker.close(5_000);
    }
  };
  return {
    send: (queue, messages) => withBroker(async (broker) => {
      for (const { body, headers } of messages) await broker.publish({ body, properties: { headers } }, { queue });
    }),
    take: (queue, count, limitMs) => withBroker(async (broker) => {
      const taken: RawMessage[] = [];
      const consumption = await broker.consume(queue, { tag: 'raw', prefetch: 100 }, (delivery) => {
        taken.push({ body: Buffer.from(delivery.body), headers: delivery.properties.headers ?? {} });
        delivery.ack();
      });
      await eventually(() => taken.length, (found) => found >= count, `${count} messages in ${queue}`, { limitMs });
      await consumption.close();
      return taken;
    }),
  };
}

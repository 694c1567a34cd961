import { randomUUID } from 'node:crypto';
import { connect, type ConfirmChannel } from 'amqplib';
import { inject } from 'vitest';
import './global-rabbitmq.js';

/** The RabbitMQ that all tests share. Use names of your own, delete what you declared, never stop it. */
export function sharedRabbitMqUrl(): string {
  return inject('sharedRabbitMqUrl');
}

/** The argument of a queue that a test means to be classic, whatever the server takes by default. */
export const CLASSIC = { 'x-queue-type': 'classic' };

/** A name that no other test has. */
export function uniqueName(purpose: string): string {
  return `test-${purpose}-${randomUUID().slice(0, 8)}`;
}

/** A plain channel of amqplib, to look at the server from outside or to prepare it. Closed afterwards. */
export async function withChannel<T>(url: string, use: (channel: ConfirmChannel) => Promise<T>): Promise<T> {
  const connection = await connect(url, { noDelay: true });
  connection.on('error', () => undefined);
  try {
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => undefined);
    return await use(channel);
  } finally {
    // A channel error (a passive declare of what is not there) may have closed it on the way.
    await connection.close().catch(() => undefined);
  }
}

/** Removes the exchange and the queues; what does not exist is no error to RabbitMQ. */
export async function removeFromRabbitMq(url: string, { exchanges = [], queues = [] }: { exchanges?: string[]; queues?: string[] }): Promise<void> {
  await withChannel(url, async (channel) => {
    for (const queue of queues) await channel.deleteQueue(queue);
    for (const exchange of exchanges) await channel.deleteExchange(exchange);
  });
}

/** Why this server makes no queue that is neither durable nor exclusive, as machinery's AMQP backend has them; `undefined`: it does. */
export async function transientQueuesRefused(): Promise<string | undefined> {
  const queue = uniqueName('transient');
  try {
    await withChannel(sharedRabbitMqUrl(), async (channel) => {
      await channel.assertQueue(queue, { durable: false });
      await channel.deleteQueue(queue);
    });
    return undefined;
  } catch (error) {
    return `this RabbitMQ makes no transient queues: ${(error as Error).message}`;
  }
}

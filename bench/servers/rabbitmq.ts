import { connect, type ChannelModel } from 'amqplib';
import { startRabbitMq } from '../../test/support/rabbitmq.js';
import { queueNames } from '../system/settings.js';
import { needFile } from './packages.js';
import type { Server } from './server.js';

const MOST_QUEUES = 5;

export interface RabbitServer extends Server {
  /** Messages ready in all queues of a run; `undefined` when one of them does not exist. */
  ready(prefix: string, queues: number): Promise<number | undefined>;
}

/** One RabbitMQ node with default settings, as users have it. */
export async function startRabbit(): Promise<RabbitServer> {
  needFile('/usr/lib/rabbitmq/bin/rabbitmq-server', 'rabbitmq-server');
  const node = await startRabbitMq();
  const connection = await connect(node.url, { noDelay: true });
  // The node is killed under this connection at the end; that is no failure.
  connection.on('error', () => undefined);
  return {
    url: node.url,
    ready: (prefix, queues) => ready(connection, queueNames({ prefix, queues })),
    clear: (prefix) => clear(connection, prefix),
    async stop() {
      await connection.close();
      await node.stop();
    },
  };
}

async function ready(connection: ChannelModel, names: readonly string[]): Promise<number | undefined> {
  let sum = 0;
  for (const name of names) {
    // A channel for each: asking for a queue that is not there closes the channel.
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    try {
      sum += (await channel.checkQueue(name)).messageCount;
      await channel.close();
    } catch {
      return undefined;
    }
  }
  return sum;
}

async function clear(connection: ChannelModel, prefix: string): Promise<void> {
  const channel = await connection.createChannel();
  for (const name of queueNames({ prefix, queues: MOST_QUEUES })) await channel.deleteQueue(name);
  await channel.close();
}

import { existsSync } from 'node:fs';
import { connect, type ChannelModel } from 'amqplib';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startRabbitMq, type RabbitMqNode } from '../support/rabbitmq.js';
import { CLASSIC } from '../support/shared-rabbitmq.js';

describe('a private RabbitMQ node', () => {
  let node: RabbitMqNode;
  beforeAll(async () => { node = await startRabbitMq(); });
  afterAll(() => node.stop());

  /** A connection that ends with its test, however that ends. */
  const open = async (): Promise<ChannelModel> => {
    const connection = await connect(node.url, { noDelay: true });
    connection.on('error', () => undefined);
    onTestFinished(async () => { await connection.close().catch(() => undefined); });
    return connection;
  };

  it('keeps confirmed messages of a durable queue through kill -9', async () => {
    const channel = await (await open()).createConfirmChannel();
    channel.on('error', () => undefined);
    await channel.assertQueue('kept', { arguments: CLASSIC });
    channel.sendToQueue('kept', Buffer.from('a'), { persistent: true });
    await channel.waitForConfirms();
    // A message is on the disk when it is confirmed; the queue itself, with servers before 4, only some time later.
    await node.rabbitmqctl('eval', 'catch mnesia:sync_log().');
    await node.kill9();
    await node.start();
    const reader = await (await open()).createChannel();
    reader.on('error', () => undefined);
    const message = await reader.get('kept', { noAck: true });
    expect(message && message.content.toString()).toBe('a');
  });

  it('answers rabbitmqctl, and goes on with its data after an orderly stop', async () => {
    expect(await node.rabbitmqctl('list_queues', 'name')).toContain('kept');
    await node.shutdown();
    await node.start();
    expect(await node.rabbitmqctl('list_queues', 'name')).toContain('kept');
  });

  it('leaves no file behind', async () => {
    const other = await startRabbitMq();
    await other.stop();
    expect(existsSync(other.folder)).toBe(false);
  });
});

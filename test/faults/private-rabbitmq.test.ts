import { existsSync } from 'node:fs';
import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRabbitMq, type RabbitMqNode } from '../support/rabbitmq.js';
import { CLASSIC } from '../support/shared-rabbitmq.js';

describe('a private RabbitMQ node', () => {
  let node: RabbitMqNode;
  beforeAll(async () => { node = await startRabbitMq(); });
  afterAll(() => node.stop());

  it('keeps confirmed messages of a durable queue through kill -9', async () => {
    const first = await connect(node.url, { noDelay: true });
    first.on('error', () => undefined);
    const channel = await first.createConfirmChannel();
    channel.on('error', () => undefined);
    await channel.assertQueue('kept', { arguments: CLASSIC });
    channel.sendToQueue('kept', Buffer.from('a'), { persistent: true });
    await channel.waitForConfirms();
    await node.kill9();
    await node.start();
    const second = await connect(node.url);
    const reader = await second.createChannel();
    const message = await reader.get('kept', { noAck: true });
    expect(message && message.content.toString()).toBe('a');
    await second.close();
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

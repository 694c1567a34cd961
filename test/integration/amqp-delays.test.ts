import { describe, expect, it } from 'vitest';
import { withDelayed } from '../../lib/brokers/amqp/delays/delayed-header.js';
import { delayRoutingKey, dueName, FORWARDED, levelName, nearName } from '../../lib/brokers/amqp/delays/delay-ladder.js';
import type { Delivery } from '../../lib/brokers/broker.js';
import { undeliveredQueueOf } from '../../lib/task/undelivered.js';
import { message, Scene } from '../support/delay-scene.js';
import { CLASSIC, sharedRabbitMqUrl, withChannel } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { eventually, pause } from '../support/wait.js';

const url = sharedRabbitMqUrl();

describe.concurrent('delays on RabbitMQ', () => {
  it('are counted wherever they are on their way, in the hands of another process too', async () => {
    const { queue, broker, connect, forwarding } = await Scene.begin();
    await broker.declare({ queues: [{ name: queue }] });
    await forwarding();
    await connect();
    for (let number = 0; number < 5; number++) {
      await broker.publish({ body: Buffer.from(`m${number}`), properties: {} }, { queue }, { delayMs: 60 + 63 * number });
      // Once nothing is delayed any more, it must have arrived.
      await eventually(() => broker.delayedCount(true), (count) => count === 0, 'nothing to be delayed', { everyMs: 0 });
      expect(await broker.depth(queue)).toBe(number + 1);
    }
  });

  it.each([['soon', 50], ['later', 3_000]])('are taken though the connection goes again and again while what they wait in is made: due %s', async (_, delayMs) => {
    const { queue, brokers, broker, connect, collect } = await Scene.begin();
    await broker.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
    const deliveries = await collect(queue);
    const { proxy, url: through } = await TcpProxy.before(url);
    try {
      const cut = await connect(through);
      const sending = Promise.all(['a', 'b', 'c'].map((body) => cut.publish({ body: Buffer.from(body), properties: {} }, { routingKey: 'key' }, { delayMs })));
      let cuts = 0;
      let sent = false;
      void sending.finally(() => { sent = true; }).catch(() => undefined);
      // Each time a little later, so that some step of it is always the one that is cut short.
      for (; !sent && cuts < 12; cuts++) {
        await eventually(() => cut.state.status, (status) => status === 'ready', 'the connection');
        await pause(cuts * 2);
        if (!sent) proxy.resetAll();
      }
      await sending;
      expect(cuts).toBeGreaterThan(0);
      expect((await deliveries.count(3)).map(({ body }) => body.toString()).sort()).toEqual(['a', 'b', 'c']);
    } finally {
      await Promise.all(brokers.splice(1).map((one) => one.close(5_000)));
      await proxy.close();
    }
  });

  it('wait in one queue where they are due soon: no ladder is made for them', async () => {
    const { exchange, queue, broker, collect } = await Scene.begin();
    await broker.declare({ queues: [{ name: queue }] });
    await broker.publish(message('soon'), { queue }, { delayMs: 200 });
    await (await collect(queue)).count(1);
    await withChannel(url, async (channel) => {
      expect(await channel.checkQueue(nearName(exchange))).toMatchObject({ messageCount: 0 });
      await expect(channel.checkQueue(levelName(exchange, 31))).rejects.toThrow('NOT_FOUND');
    });
  });

  it('come each when it is due, none early, also where far more are due soon than a process takes at first', async () => {
    const { queue, broker, collect, arrivedAt } = await Scene.begin();
    await broker.declare({ queues: [{ name: queue }] });
    const deliveries = await collect(queue);
    const due = new Map<string, number>();
    await Promise.all(Array.from({ length: 2_000 }, (_, index) => {
      const delayMs = 500 + (index * 7_919) % 1_400;
      due.set(String(index), Date.now() + delayMs);
      return broker.publish(message(String(index)), { queue }, { delayMs });
    }));
    await deliveries.count(due.size, 50_000);
    expect([...due].filter(([body, at]) => !(arrivedAt.get(body)! >= at))).toEqual([]);
    expect(new Set(deliveries.all.map(({ body }) => body.toString())).size).toBe(due.size);
  });

  it('last as long as they are meant to where the clock of their sender is behind', async () => {
    const { exchange, queue, broker, collect, arrivedAt, forwarding } = await Scene.begin();
    await broker.declare({ queues: [{ name: queue }] });
    await forwarding();
    const deliveries = await collect(queue);
    await eventually(() => broker.depth(nearName(exchange)), (depth) => depth !== undefined, 'the queue of what is due soon');
    const start = Date.now();
    const at = start - 30_000;
    await broker.publish(withDelayed(message('behind'), { due: at + 1_200, to: { queue }, tries: 0, sent: { by: 'behind', at, ladderMs: 0 } }), { queue: nearName(exchange) });
    await deliveries.count(1);
    expect(arrivedAt.get('behind')! - start).toBeGreaterThanOrEqual(1_200);
  });

  it('still come when an earlier version has put them onto the ladder', async () => {
    const { exchange, queue, broker, collect, arrivedAt } = await Scene.begin();
    await broker.declare({ queues: [{ name: queue }] });
    // Its lower levels are there once a large body is on them.
    await broker.publish(message('x'.repeat(20_000), {}), { queue }, { delayMs: 50 });
    const deliveries = await collect(queue);
    const due = Date.now() + 900;
    const { body, properties } = withDelayed(message('old'), { due, to: { queue }, tries: 0 });
    await withChannel(url, async (channel) => {
      // 18 units of 50 ms.
      channel.publish(levelName(exchange, 4), delayRoutingKey(18, FORWARDED), body, { ...properties, persistent: true, mandatory: true });
      await channel.waitForConfirms();
    });
    await deliveries.first((delivery) => delivery.body.toString() === 'old', 'what was on the ladder');
    expect(arrivedAt.get('old')).toBeGreaterThanOrEqual(due);
  });

  it('leave the queue of what is due soon for the end of the ladder, in a form that earlier versions read, where nobody takes them', async () => {
    const { exchange, queue, brokers, broker, connect, collect } = await Scene.begin();
    await broker.declare({ queues: [{ name: queue }] });
    await broker.publish(message('a'), { queue }, { delayMs: 1_900 });
    await broker.close(5_000);
    const [left] = await withChannel(url, async (channel) => {
      expect(await channel.checkQueue(nearName(exchange))).toMatchObject({ messageCount: 1 });
      await eventually(async () => (await channel.checkQueue(dueName(exchange))).messageCount, (count) => count === 1, 'it to be at the end of the ladder', { limitMs: 120_000, everyMs: 500 });
      const found = await channel.get(dueName(exchange));
      if (found !== false) channel.nack(found);
      return [found];
    });
    if (left === undefined || left === false) throw new Error('nothing was found there');
    expect(JSON.parse(left.properties.headers?.['x-dispatcher-delayed'] as string)).toMatchObject({ queue, tries: 0, due: expect.any(Number) as number });
    // One of this version takes it there too.
    brokers.shift();
    await connect();
    expect((await (await collect(queue)).count(1)).map(({ body }) => body.toString())).toEqual(['a']);
  }, 180_000);

  it('go by the ladder where the queue of what is due soon was deleted, and by it again once it is back', async () => {
    const { exchange, queue, broker, collect, events } = await Scene.begin();
    await broker.declare({ queues: [{ name: queue }] });
    const deliveries = await collect(queue);
    await broker.publish(message('a'), { queue }, { delayMs: 50 });
    await deliveries.count(1);
    await withChannel(url, (channel) => channel.deleteQueue(nearName(exchange)));
    await broker.publish(message('b'), { queue }, { delayMs: 50 });
    await deliveries.count(2);
    await events.first((event) => event.type === 'broker.consumer-restored' && event.queue === nearName(exchange), 'the return of its consumer', 30_000);
  });

  it('reach a queue that a Go service has declared, whose arguments stay its own', async () => {
    const { queue, broker, goQueue } = await Scene.begin();
    await goQueue('go');
    await broker.publish(message('a'), { routingKey: 'go' }, { delayMs: 100 });
    await eventually(() => broker.depth(queue), (depth) => depth === 1, 'the task in the queue');
    await goQueue('go');
  });

  it('are forwarded by every process that is connected, one that never publishes nor consumes included', async () => {
    const { forwarding } = await Scene.begin();
    await forwarding();
  });

  it('wait the rest when they come out of the ladder too early, long or short', async () => {
    const { queue, broker, collect, arrivedAt, publishAsDue, forwarding } = await Scene.begin();
    await broker.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
    await forwarding();
    const deliveries = await collect(queue);
    const due = new Map([['long', Date.now() + 900], ['short', Date.now() + 40]]);
    for (const [body, at] of due) {
      const { properties } = withDelayed(message(body), { due: at, to: body === 'long' ? { queue } : { routingKey: 'key' }, tries: 0 });
      await publishAsDue(body, properties);
    }
    await deliveries.count(2);
    for (const [body, at] of due) expect(arrivedAt.get(body)).toBeGreaterThanOrEqual(at);
  });

  it.each([
    ['no header', {}],
    ['a header that is no JSON', { 'x-dispatcher-delayed': '{' }],
    ['a header without a time', { 'x-dispatcher-delayed': '{"routingKey":"key"}' }],
    ['a header that is no text', { 'x-dispatcher-delayed': 5 }],
  ])('put aside what nobody of ours can have sent there: %s', async (_, headers) => {
    const { exchange, collect, publishAsDue, forwarding } = await Scene.begin();
    await forwarding();
    await publishAsDue('stray', { messageId: 'stray', headers });
    const [delivery] = await (await collect(undeliveredQueueOf(exchange))).count(1) as [Delivery];
    expect(delivery.properties.headers).toMatchObject({ 'x-dispatcher-dead-reason': 'undelivered', 'x-dispatcher-dead-error': expect.stringContaining('without saying for whom') as string });
  });

  it('wait on the ladder while their queue is full, and hold up no others', async () => {
    const { exchange, queue, broker, collect } = await Scene.begin();
    await withChannel(url, (channel) => channel.assertQueue(`${queue}2`, { durable: true, arguments: { ...CLASSIC, 'x-max-length': 1, 'x-overflow': 'reject-publish' } }));
    await broker.declare({ queues: [{ name: queue, bindingKeys: ['free'] }] });
    await withChannel(url, (channel) => channel.bindQueue(`${queue}2`, exchange, 'full'));
    await Promise.all(Array.from({ length: 150 }, (_, index) => broker.publish(message(`full ${index}`), { routingKey: 'full' }, { delayMs: 50 })));
    await broker.publish(message('free'), { routingKey: 'free' }, { delayMs: 500 });
    expect((await (await collect(queue)).count(1)).map(({ body }) => body.toString())).toEqual(['free']);
    // As its consumer makes room, they come: none is lost.
    const rest = await collect(`${queue}2`);
    await rest.count(150, 50_000);
    expect(new Set(rest.all.map(({ body }) => body.toString())).size).toBe(150);
  });

  it('hold up no others either when they are retries, for one queue that is full', async () => {
    const { queue, broker, collect } = await Scene.begin();
    await withChannel(url, (channel) => channel.assertQueue(`${queue}2`, { durable: true, arguments: { ...CLASSIC, 'x-max-length': 1, 'x-overflow': 'reject-publish' } }));
    await broker.declare({ queues: [{ name: queue }] });
    await Promise.all(Array.from({ length: 150 }, (_, index) => broker.publish(message(`full ${index}`), { queue: `${queue}2` }, { delayMs: 50 })));
    await eventually(() => broker.depth(`${queue}2`), (depth) => depth === 1, 'the queue to be full');
    await broker.publish(message('free'), { queue }, { delayMs: 50 });
    expect((await (await collect(queue)).count(1)).map(({ body }) => body.toString())).toEqual(['free']);
    const rest = await collect(`${queue}2`);
    await rest.count(150, 50_000);
    expect(new Set(rest.all.map(({ body }) => body.toString())).size).toBe(150);
  });

  it('are kept aside with a reason when their queue is gone by then', async () => {
    const { exchange, queue, broker, collect, forwarding } = await Scene.begin();
    await withChannel(url, (channel) => channel.assertQueue(queue, { durable: true }));
    await broker.publish(message('a'), { queue }, { delayMs: 1_900 });
    await withChannel(url, (channel) => channel.deleteQueue(queue));
    await forwarding();
    const [delivery] = await (await collect(undeliveredQueueOf(exchange))).count(1) as [Delivery];
    expect(delivery.properties.headers).toMatchObject({ 'x-dispatcher-dead-reason': 'undelivered', 'x-dispatcher-dead-error': expect.stringContaining(`no queue "${queue}" any more`) as string });
  });

  it('are forwarded again after what they need was deleted', async () => {
    const { exchange, queue, broker, events, collect, forwarding } = await Scene.begin();
    await broker.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
    await forwarding();
    await withChannel(url, async (channel) => {
      await channel.deleteQueue(dueName(exchange));
      await channel.deleteQueue(undeliveredQueueOf(exchange));
    });
    await events.first((event) => event.type === 'broker.consumer-restored' && event.queue === dueName(exchange), 'the return of the forwarder');
    await broker.publish(message('a'), { routingKey: 'key' }, { delayMs: 50 });
    await (await collect(queue)).count(1);
    await withChannel(url, (channel) => channel.deleteQueue(undeliveredQueueOf(exchange)));
    await broker.publish(message('nowhere'), { routingKey: 'nowhere' }, { delayMs: 50 });
    await eventually(() => broker.depth(undeliveredQueueOf(exchange)), (depth) => depth === 1, 'the undelivered task');
  });

  it('are forwarded by another process when the one that had them ends', async () => {
    const { queue, broker, connect, collect } = await Scene.begin();
    await broker.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
    const other = await connect();
    await Promise.all(Array.from({ length: 500 }, (_, index) => other.publish(message(String(index)), { routingKey: 'key' }, { delayMs: 300 })));
    const deliveries = await collect(queue);
    await deliveries.count(1);
    await other.close(5_000);
    await deliveries.until(() => new Set(deliveries.all.map(({ body }) => body.toString())).size === 500, 20_000, () => 'all 500');
  });
});

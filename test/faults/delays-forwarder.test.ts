import { afterAll, beforeAll, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import { Ledger } from '../support/ledger.js';
import { startScript, type Child } from '../support/processes.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { withChannel } from '../support/shared-rabbitmq.js';
import { SMALL_WHEEL } from '../support/small-wheel.js';
import { eventually, pause } from '../support/wait.js';

const TASKS = 3_000;
const EXCHANGE = 'forwarded';
const QUEUE = 'forwarded.q';
/** Of the test in which the server takes nothing. */
const FEW = 50;

let node: RabbitMqNode;
beforeAll(async () => { node = await startRabbitMq(); });
afterAll(() => node.stop());

/** The only process of ours that is connected. */
async function forwarder(exchange = EXCHANGE, ...more: string[]): Promise<Child> {
  const child = startScript('test/faults/forwarder-child.ts', { args: [node.url, exchange, ...more] });
  await child.line(/^connected$/);
  return child;
}

it('loses no delayed task when the process that forwards them is killed, again and again', async () => {
  const ledger = new Ledger();
  const broker = new AmqpBroker({ url: node.url, exchange: EXCHANGE, reconnection: { retries: 0 } });
  await broker.connect();
  await broker.declare({ queues: [{ name: QUEUE, bindingKeys: ['key'] }] });
  await Promise.all(Array.from({ length: TASKS }, (_, index) => ledger.offer(`task-${index}`,
    () => broker.publish({ body: Buffer.from('x'), properties: { messageId: `task-${index}` } }, { routingKey: 'key' }, { delayMs: 3_000 }))));
  await broker.close(5_000);

  await withChannel(node.url, async (channel) => {
    // Not one of ours, so that it forwards nothing.
    await channel.prefetch(100);
    await channel.consume(QUEUE, (message) => {
      if (message === null) return;
      channel.ack(message);
      ledger.add({ kind: 'finished', uuid: String(message.properties.messageId) });
    });
    for (let kills = 0; kills < 3; kills++) {
      const before = ledger.finished.size;
      const child = await forwarder();
      await eventually(() => ledger.finished.size, (size) => size > before, 'some to be forwarded', { everyMs: 1, limitMs: 60_000 });
      child.kill('SIGKILL');
      await child.exited();
    }
    const last = await forwarder();
    await ledger.settled(120_000);
    await last.stop();
  });
  expect({ accepted: ledger.accepted.size, lost: ledger.lost(), invented: ledger.invented() }).toEqual({ accepted: TASKS, lost: [], invented: [] });
}, 300_000);

it.each([['soon', 1_500], ['later', 4_000]])('loses none either when the server takes nothing from the process that has them in hand, and it is killed: due %s', async (when, delayMs) => {
  const [exchange, queue] = [`held-${when}`, `held-${when}.q`];
  const broker = new AmqpBroker({ url: node.url, exchange, reconnection: { retries: 0 } });
  await broker.connect();
  await broker.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
  await Promise.all(Array.from({ length: FEW }, (_, index) => broker.publish({ body: Buffer.from(String(index)), properties: {} }, { routingKey: 'key' }, { delayMs })));
  await broker.close(5_000);
  await node.rabbitmqctl('set_vm_memory_high_watermark', '0.000001');
  const child = await forwarder(exchange);
  await eventually(() => unacknowledged(exchange), (count) => count > 0, 'some to be in hand', { limitMs: 120_000 });
  child.kill('SIGKILL');
  await child.exited();
  await node.rabbitmqctl('set_vm_memory_high_watermark', '0.8');
  const last = await forwarder(exchange);
  const arrived = new Set<string>();
  await withChannel(node.url, async (channel) => {
    await channel.consume(queue, (message) => message !== null && arrived.add(message.content.toString()), { noAck: true });
    await eventually(() => arrived.size, (count) => count === FEW, `${FEW} to arrive`, { limitMs: 120_000 });
  });
  await last.stop();
}, 300_000);

it('loses none, and brings none early, though who puts them from wide slots of the wheel into narrow ones is killed again and again, and the server too', async () => {
  const [exchange, queue] = ['split', 'split.q'];
  const ledger = new Ledger();
  const due = new Map<string, number>();
  const early: string[] = [];
  const broker = new AmqpBroker({ url: node.url, exchange, reconnection: { retries: 'forever', intervalMs: 100 }, publishing: { maxWaitMs: 120_000 }, wheel: SMALL_WHEEL });
  await broker.connect();
  await broker.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
  await broker.consume(queue, { tag: 'test', prefetch: 300 }, (delivery) => {
    const uuid = String(delivery.properties.messageId);
    if (Date.now() < (due.get(uuid) ?? Infinity)) early.push(uuid);
    ledger.add({ kind: 'finished', uuid });
    delivery.ack();
  });
  await Promise.all(Array.from({ length: TASKS }, (_, index) => {
    const delayMs = 2_000 + (index * 7_919) % 14_000;
    due.set(`task-${index}`, Date.now() + delayMs);
    return ledger.offer(`task-${index}`, () => broker.publish({ body: Buffer.from('x'), properties: { messageId: `task-${index}` } }, { routingKey: 'key' }, { delayMs }));
  }));
  const children = await Promise.all(Array.from({ length: 3 }, () => forwarder(exchange, 'small')));
  for (let kills = 0; kills < 5; kills++) {
    await pause(1_000);
    if (kills === 2) {
      await node.kill9();
      await node.start();
    }
    const killed = children.shift() as Child;
    killed.kill('SIGKILL');
    await killed.exited();
    children.push(await forwarder(exchange, 'small'));
  }
  await ledger.settled(120_000);
  await Promise.all(children.map((child) => child.stop()));
  await broker.close(5_000);
  expect({ accepted: ledger.accepted.size, lost: ledger.lost(), invented: ledger.invented(), early }).toEqual({ accepted: TASKS, lost: [], invented: [], early: [] });
}, 300_000);

/** Of what is due soon, has come out of the ladder, or waits in a narrow slot that is open. */
async function unacknowledged(exchange: string): Promise<number> {
  const lines = (await node.rabbitmqctl('list_queues', '--silent', 'name', 'messages_unacknowledged')).split('\n').map((line) => line.split('\t'));
  return lines.reduce((sum, [name = '', count]) => sum + (new RegExp(`^${exchange}\\.delay\\.v2\\.(near|due|wheel\\.0\\..*)$`).test(name) ? Number(count) : 0), 0);
}

import { afterAll, beforeAll, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import { Ledger } from '../support/ledger.js';
import { startScript, type Child } from '../support/processes.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { withChannel } from '../support/shared-rabbitmq.js';
import { eventually } from '../support/wait.js';

const TASKS = 3_000;
const EXCHANGE = 'forwarded';
const QUEUE = 'forwarded.q';

let node: RabbitMqNode;
beforeAll(async () => { node = await startRabbitMq(); });
afterAll(() => node.stop());

/** The only process of ours that is connected. */
async function forwarder(): Promise<Child> {
  const child = startScript('test/faults/forwarder-child.ts', { args: [node.url, EXCHANGE] });
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

import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Delivery } from '../../lib/brokers/broker.js';
import { openBroker, uuidOf, type BrokerKind, type KillableBroker } from '../support/broker-processes.js';

/**
 * One end of a broker as a process of its own, for tests that kill or freeze it.
 *
 *     broker-child.js redis|embedded|sidekiq|... <location> <queue> consume <prefetch> none|tenth|all    which deliveries to hold
 *     broker-child.js redis|embedded <location> <queue> publish <count> <delayMs>
 *
 * A consumer finishes what it holds when it reads a line "release", and says of each whether that was in time.
 */
const IN_FLIGHT = 500;
const [kind, location, queue, role, fourth, fifth] = process.argv.slice(2) as [BrokerKind, string, string, string, string, string];

/** Written at once and by itself: a line must not be lost in a buffer when the process is killed. */
function say(entry: Record<string, unknown>): void {
  writeSync(1, `${JSON.stringify(entry)}\n`);
}

async function main(): Promise<void> {
  const broker = await openBroker(kind, location, queue);
  if (role === 'consume') await consume(broker);
  else await publish(broker);
}

async function consume(broker: KillableBroker): Promise<void> {
  const held: Delivery[] = [];
  await broker.consume(queue, { tag: 'child', prefetch: Number(fourth), names: () => ['T'] }, (delivery) => {
    const uuid = uuidOf(delivery);
    say({ kind: 'started', uuid, pid: process.pid, redelivered: delivery.redelivered, count: delivery.deliveryCount });
    if (fifth === 'all' || (fifth === 'tenth' && uuid.endsWith('0'))) held.push(delivery);
    else setImmediate(() => finish(delivery));
  });
  createInterface({ input: process.stdin }).on('line', () => {
    for (const delivery of held.splice(0)) say({ settled: uuidOf(delivery), inTime: finish(delivery) });
    say({ released: true });
  });
  say({ ready: true });
}

function finish(delivery: Delivery): boolean {
  // Before the ack: what is killed in between runs again, which is allowed; the other way round it would look lost.
  say({ kind: 'finished', uuid: uuidOf(delivery), pid: process.pid });
  return delivery.ack();
}

async function publish(broker: KillableBroker): Promise<void> {
  const count = Number(fourth);
  const delayMs = Number(fifth);
  let next = 0;
  const publishOne = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const dueAt = Date.now() + delayMs;
      await broker.publish({ body: Buffer.from(`${index}:${dueAt}`), properties: { messageId: String(index) } }, { queue }, { delayMs });
      say({ kind: 'accepted', uuid: `${index}:${dueAt}` });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, publishOne));
  say({ ready: true });
}

void main();

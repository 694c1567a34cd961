import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Delivery } from '../../lib/brokers/broker.js';
import { RedisBroker } from '../../lib/brokers/redis/redis-broker.js';

/**
 * One end of a broker on Redis as a process of its own, for tests that kill or freeze it.
 *
 *     redis-child.js consume <url> <queue> <prefetch> none|tenth|all <silentMs>    which deliveries to hold
 *     redis-child.js publish <url> <queue> <count> <delayMs> <silentMs>
 *
 * A consumer acknowledges what it holds when it reads a line "release", and says of each whether that was in time.
 */
const IN_FLIGHT = 500;
const [role, url, queue, third, fourth, silentMs] = process.argv.slice(2) as [string, string, string, string, string, string];

/** Written at once and by itself: a line must not be lost in a buffer when the process is killed. */
function say(entry: Record<string, unknown>): void {
  writeSync(1, `${JSON.stringify(entry)}\n`);
}

async function main(): Promise<void> {
  const broker = new RedisBroker({ url, exchange: 'faults', reconnection: { retries: 'forever' }, silentMs: Number(silentMs) });
  broker.events.subscribe(({ type }) => say({ event: type }));
  await broker.connect();
  await broker.declare({ queues: [{ name: queue, bindingKeys: [queue] }] });
  if (role === 'consume') await consume(broker);
  else await publish(broker);
}

async function consume(broker: RedisBroker): Promise<void> {
  const held: Delivery[] = [];
  await broker.consume(queue, { tag: 'child', prefetch: Number(third) }, (delivery) => {
    const uuid = delivery.body.toString();
    say({ kind: 'started', uuid, pid: process.pid, redelivered: delivery.redelivered, count: delivery.deliveryCount });
    if (fourth === 'all' || (fourth === 'tenth' && uuid.endsWith('0'))) held.push(delivery);
    else setImmediate(() => finish(delivery));
  });
  createInterface({ input: process.stdin }).on('line', () => {
    for (const delivery of held.splice(0)) say({ settled: delivery.body.toString(), inTime: delivery.ack() });
    say({ released: true });
  });
  say({ ready: true });
}

function finish(delivery: Delivery): void {
  // Before the ack: what is killed in between runs again, which is allowed; the other way round it would look lost.
  say({ kind: 'finished', uuid: delivery.body.toString(), pid: process.pid });
  delivery.ack();
}

async function publish(broker: RedisBroker): Promise<void> {
  const count = Number(third);
  const delayMs = Number(fourth);
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

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import type { Delivery } from '../../lib/brokers/broker.js';
import { Ledger } from '../support/ledger.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { uniqueName } from '../support/shared-rabbitmq.js';
import { emission, pause } from '../support/wait.js';

/** The whole of it: `DISPATCHER_TEST_DELAYS=100000` over 60 s. */
const TASKS = Number(process.env.DISPATCHER_TEST_DELAYS ?? 3_000);
const LONGEST_DELAY_MS = TASKS > 20_000 ? 60_000 : 10_000;
const KEY = 'delayed';
const BATCH = 500;

/** When each task was due, and how late it came. */
class Lateness {
  private readonly due = new Map<string, number>();
  private readonly firstMs = new Map<string, number>();
  early: string[] = [];

  expect(uuid: string, dueAt: number): void {
    this.due.set(uuid, dueAt);
  }

  arrived(uuid: string): void {
    const late = Date.now() - (this.due.get(uuid) ?? 0);
    if (late < 0) this.early.push(uuid);
    if (!this.firstMs.has(uuid)) this.firstMs.set(uuid, late);
  }

  toString(): string {
    const all = [...this.firstMs.values()].sort((a, b) => a - b);
    const at = (share: number): string => `${Math.round(all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? 0)} ms`;
    return `late by p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, most ${at(1)}`;
  }
}

describe(`${TASKS} tasks with delays up to ${LONGEST_DELAY_MS / 1000} s`, () => {
  let node: RabbitMqNode;
  let exchange: string;
  let queue: string;
  let lateness: Lateness;
  let ledger: Ledger;
  const brokers: AmqpBroker[] = [];

  beforeAll(async () => { node = await startRabbitMq(); });
  afterAll(() => node.stop());
  afterEach(() => Promise.all(brokers.splice(0).map((broker) => broker.close(5_000))));

  async function connect(): Promise<AmqpBroker> {
    const broker = new AmqpBroker({ url: node.url, exchange, reconnection: { retries: 'forever', intervalMs: 100 }, publishing: { maxWaitMs: 120_000 } });
    brokers.push(broker);
    await broker.connect();
    return broker;
  }

  /** Two processes' worth of brokers, one of which only consumes. */
  async function setUp(): Promise<AmqpBroker> {
    exchange = uniqueName('delays');
    queue = `${exchange}.q`;
    lateness = new Lateness();
    ledger = new Ledger();
    const [publishing, consuming] = [await connect(), await connect()];
    await consuming.declare({ queues: [{ name: queue, bindingKeys: [KEY] }] });
    await consuming.consume(queue, { tag: 'test', prefetch: 300 }, finish);
    return publishing;
  }

  function finish(delivery: Delivery): void {
    const uuid = String(delivery.properties.messageId);
    lateness.arrived(uuid);
    ledger.add({ kind: 'finished', uuid });
    delivery.ack();
  }

  function send(broker: AmqpBroker, uuid: string, delayMs: number): Promise<void> {
    lateness.expect(uuid, Date.now() + delayMs);
    return ledger.offer(uuid, () => broker.publish({ body: Buffer.from(uuid), properties: { messageId: uuid } }, { routingKey: KEY }, { delayMs }));
  }

  async function sendAll(broker: AmqpBroker): Promise<void> {
    for (let sent = 0; sent < TASKS; sent += BATCH) {
      await Promise.all(Array.from({ length: Math.min(BATCH, TASKS - sent) }, (_, index) => send(broker, `task-${sent + index}`, Math.random() * LONGEST_DELAY_MS)));
    }
  }

  async function killAndRestart(): Promise<void> {
    const all = Promise.all(brokers.map((broker) => emission(broker.states, ({ status }) => status === 'lost', 'the loss', 60_000)));
    await node.kill9();
    await all;
    const back = Promise.all(brokers.map((broker) => emission(broker.states, ({ status }) => status === 'ready', 'the return', 120_000)));
    await node.start();
    await back;
  }

  function expectAllKept(): void {
    expect({ lost: ledger.lost(), invented: ledger.invented(), rejected: ledger.rejected.size, early: lateness.early }).toEqual({ lost: [], invented: [], rejected: 0, early: [] });
  }

  it('run all, none early, on a broker that stays', async () => {
    const broker = await setUp();
    await sendAll(broker);
    await ledger.settled(LONGEST_DELAY_MS + 240_000);
    console.log(`delays, undisturbed: ${ledger.toString()}, ${lateness.toString()}`);
    expectAllKept();
    expect(ledger.duplicates()).toEqual([]);
  }, 600_000);

  it('run all, none early, none lost, though the broker is killed twice in between', async () => {
    const broker = await setUp();
    const sending = sendAll(broker);
    for (let kills = 0; kills < 2; kills++) {
      await pause(LONGEST_DELAY_MS / 4);
      await killAndRestart();
    }
    await sending;
    await ledger.settled(LONGEST_DELAY_MS + 240_000);
    console.log(`delays, broker killed twice: ${ledger.toString()}, ran twice ${ledger.duplicates().length}, ${lateness.toString()}`);
    expectAllKept();
  }, 600_000);
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import { pauseQueue, PauseRegister } from '../../lib/control/pause-register.js';
import { TaskRejectedError } from '../../lib/errors.js';
import { createResultBackend } from '../../lib/state/create-result-backend.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { uniqueName } from '../support/shared-rabbitmq.js';
import { onTestFinished } from '../support/test-end.js';
import { clearPolicy, setPolicy } from '../support/virtual-hosts.js';
import { Arrivals, eventually, pause } from '../support/wait.js';

const TTL_MS = 700;
const POLICIES = {
  ttl: { 'message-ttl': TTL_MS },
  elsewhere: { 'message-ttl': TTL_MS, 'dead-letter-exchange': 'amq.fanout', 'dead-letter-routing-key': 'x' },
  max: { 'max-length': 2, overflow: 'drop-head' },
  limit: { 'delivery-limit': 3 },
  lowest: { 'delivery-limit': 1 },
} as const;

/** A policy for all queues of a server reached those that only we use: it dropped dead letters, pauses and delayed tasks without a word. */
describe.concurrent('policies of a server', () => {
  let node: RabbitMqNode;
  beforeAll(async () => {
    node = await startRabbitMq();
  });
  afterAll(() => node.stop());

  interface Scene {
    readonly exchange: string;
    readonly broker: AmqpBroker;
    readonly warnings: Arrivals<string>;
    dead(): string;
    send(body: string, queue: string): Promise<void>;
    /** Resolves once the queue holds these: what is brought back is missing for a moment. */
    shows(queue: string, expected: string[]): Promise<unknown>;
  }

  /** An exchange of the test's own, whose queues have this policy. */
  const start = async (policy: keyof typeof POLICIES): Promise<Scene> => {
    const exchange = uniqueName(policy);
    await setPolicy(node, '/', `^${exchange}`, POLICIES[policy]);
    const broker = new AmqpBroker({ url: node.url, exchange, reconnection: { retries: 'forever', intervalMs: 50 } });
    onTestFinished(() => broker.close(5_000));
    const warnings = new Arrivals<string>();
    broker.events.subscribe((event) => event.type === 'broker.warning' && warnings.add(event.message));
    await broker.connect();
    return {
      exchange, broker, warnings,
      dead: () => `${exchange}.q.dead`,
      send: (body, queue) => broker.publish({ body: Buffer.from(body), properties: { messageId: body, headers: { kept: 'yes' } } }, { queue }),
      shows: (queue, expected) => eventually(async () => {
        const seen: string[] = [];
        await broker.browse(queue, ({ body, properties: { headers } }) => {
          if (headers?.kept === 'yes') seen.push(body.toString());
          return 'keep';
        });
        return seen.sort().join();
      }, (seen) => seen === expected.join(), `${queue} to hold ${expected.join()}`, { everyMs: 500, limitMs: 30_000 }),
    };
  };

  it.each(['ttl', 'elsewhere'] as const)('bring back dead letters that expire (%s), and say so', async (policy) => {
    const { exchange, broker, warnings, dead, send, shows } = await start(policy);
    await broker.declare({ queues: [{ name: dead(), purpose: 'dead-letters' }] });
    for (const body of ['a', 'b', 'c']) await send(body, dead());
    expect(await warnings.first((text) => text.includes(dead()), 'the warning')).toContain('message-ttl');
    // They come and go: all are there at once when it is over.
    await clearPolicy(node, '/', `^${exchange}`);
    await shows(dead(), ['a', 'b', 'c']);
  });

  it('bring back quorum dead letters that expire', async () => {
    const { broker, warnings, dead, send, shows } = await start('ttl');
    await broker.declare({ queues: [{ name: dead(), type: 'quorum', purpose: 'dead-letters' }] });
    await send('a', dead());
    expect(await warnings.first((text) => text.includes(dead()), 'the warning')).toContain('message-ttl');
    await shows(dead(), ['a']);
  });

  it('bring back a pause that expires, and tell those who watch', async () => {
    const { exchange, broker, warnings } = await start('ttl');
    const register = new PauseRegister(broker, exchange);
    await register.write({ kind: 'queue', name: 'a', by: 'somebody', reason: '', since: new Date() });
    const signals = new Arrivals<true>();
    await broker.watchSignals(() => signals.add(true));
    await warnings.first((text) => text.includes(pauseQueue(exchange)), 'the warning');
    await signals.count(1);
    await eventually(() => register.read(), (pauses) => pauses.length === 1, 'the pause to be back', { limitMs: 30_000 });
  });

  it('do not make a delayed task early, and lose neither it nor one that was not delivered', async () => {
    const { exchange, broker, warnings, shows } = await start('ttl');
    // The queue of the tasks is its user's: policies are for it.
    const queue = uniqueName('user');
    await broker.declare({ queues: [{ name: queue, bindingKeys: ['later'] }] });
    const arrived = new Arrivals<number>();
    await broker.consume(queue, { tag: 'test', prefetch: 10 }, (delivery) => {
      arrived.add(Date.now());
      delivery.ack();
    });
    const sentAt = Date.now();
    await broker.publish({ body: Buffer.from('task'), properties: {} }, { routingKey: 'later' }, { delayMs: 3_000 });
    await broker.publish({ body: Buffer.from('lost'), properties: { headers: { kept: 'yes' } } }, { routingKey: 'nobody' }, { delayMs: 50 });
    const [at] = await arrived.count(1);
    expect(at).toBeGreaterThanOrEqual(sentAt + 3_000);
    await warnings.first((text) => text.includes(`${exchange}.undelivered" by itself`), 'the warning');
    await shows(`${exchange}.undelivered`, ['lost']);
  });

  it('refuse rather than drop where a queue may hold no more', async () => {
    const { broker, dead, send, shows } = await start('max');
    await broker.declare({ queues: [{ name: dead(), purpose: 'dead-letters' }] });
    for (const body of ['a', 'b']) await send(body, dead());
    await expect(send('c', dead())).rejects.toBeInstanceOf(TaskRejectedError);
    await shows(dead(), ['a', 'b']);
  });

  it.each(['limit', 'lowest'] as const)('let quorum dead letters be looked at more often than they may come back (%s)', async (policy) => {
    const { exchange, broker, dead, send, shows } = await start(policy);
    await broker.declare({ queues: [{ name: dead(), type: 'quorum', purpose: 'dead-letters' }] });
    for (const body of ['a', 'b', 'c']) await send(body, dead());
    for (let round = 0; round < 8; round++) {
      let seen = 0;
      await broker.browse(dead(), () => {
        seen++;
        return 'keep';
      });
      // A lower one than the number of times after which they are published anew takes them, and they are brought back.
      if (policy === 'limit') expect(seen).toBe(3);
    }
    await clearPolicy(node, '/', `^${exchange}`);
    await shows(dead(), ['a', 'b', 'c']);
  });

  it('are told of where they take something from the ledger, which nobody can put back', async () => {
    const { exchange, warnings } = await start('ttl');
    const ledger = createResultBackend(node.url, { exchange });
    await ledger.connect();
    await ledger.set('key', Buffer.from('value'), { expiresInMs: 60_000 });
    await pause(2 * TTL_MS);
    expect(String(await ledger.get('key'))).toBe('value');
    await ledger.close(5_000);
    expect(await warnings.first((text) => text.includes(`${exchange}.ledger.v1`), 'the warning')).toContain('unique keys');
  });
});

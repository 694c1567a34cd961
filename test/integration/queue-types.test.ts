import { connect, type Channel } from 'amqplib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import { TopologyRegister } from '../../lib/brokers/amqp/topology/topology-register.js';
import type { BrokerEvent, QueueDeclaration } from '../../lib/brokers/broker.js';
import { Cancellations } from '../../lib/control/cancellations.js';
import { PauseRegister } from '../../lib/control/pause-register.js';
import { TopologyMismatchError } from '../../lib/errors.js';
import { createResultBackend } from '../../lib/state/create-result-backend.js';
import { LineRegister } from '../../lib/worker/intake/line-register.js';
import { amqplibInside } from '../support/amqplib-insides.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { uniqueName, withChannel } from '../support/shared-rabbitmq.js';
import { onTestFinished } from '../support/test-end.js';
import { addVirtualHost, setPolicy } from '../support/virtual-hosts.js';
import { Arrivals, eventually } from '../support/wait.js';

/** How often a message of a quorum queue may come back; by itself RabbitMQ 4 allows 20. */
const DELIVERY_LIMIT = 5;
const LOOKS = 9;
const RABBITMQ_LIMIT = 20;
/** Each step of a quorum queue waits for the disk. */
const SLOW_MS = 180_000;
const AmqplibChannel = amqplibInside<{ Channel: { prototype: Channel } }>('channel_model').Channel;
const MINUTE = { expiresInMs: 60_000 };

let node: RabbitMqNode;
/** About which queues the server was asked, whoever did. */
const counted = vi.spyOn(AmqplibChannel.prototype, 'checkQueue');
beforeAll(async () => { node = await startRabbitMq(); });
afterAll(async () => {
  counted.mockRestore();
  await node.stop();
});

/**
 * RabbitMQ can be told to make queues of another type where a declaration names none. Everything that used no type was
 * then a quorum queue with a delivery limit, and 21 looks, pauses or keepers later what it held was gone without a word.
 */
describe.concurrent.each(['classic', 'quorum'] as const)('on a virtual host whose default queue type is %s', (defaultType) => {
  const host = `types-${defaultType}`;
  let url: string;

  beforeAll(async () => {
    url = await addVirtualHost(node, host, defaultType);
    // As RabbitMQ 4 does by itself, and sooner.
    await setPolicy(node, host, '.*', { 'delivery-limit': DELIVERY_LIMIT });
  });

  /** What each test has for itself: an exchange, a queue's name, and brokers that are closed at its end. */
  const begin = (): { exchange: string; queue: string; warnings: string[]; connected(at?: string): Promise<AmqpBroker>; deadLetters(type?: QueueDeclaration['type']): QueueDeclaration } => {
    const exchange = uniqueName('types');
    const queue = `${exchange}.q`;
    const warnings: string[] = [];
    return {
      exchange, queue, warnings,
      connected: async (at = url) => {
        const broker = new AmqpBroker({ url: at, exchange, reconnection: { retries: 'forever', intervalMs: 50 } });
        onTestFinished(() => broker.close(5_000));
        broker.events.subscribe((event: BrokerEvent) => event.type === 'broker.warning' && warnings.push(event.message));
        await broker.connect();
        return broker;
      },
      deadLetters: (type) => ({ name: `${queue}.dead`, purpose: 'dead-letters', ...(type === undefined ? {} : { type }) }),
    };
  };
  /** As gofort, and version 0.1.0, declare a queue. */
  const declarePlainly = (...queues: string[]): Promise<void> => withChannel(url, async (channel) => {
    for (const name of queues) await channel.assertQueue(name, { durable: true });
  });
  const fill = async (broker: AmqpBroker, name: string, count: number): Promise<string[]> => {
    const bodies = Array.from({ length: count }, (_, index) => `m${index}`);
    await Promise.all(bodies.map((body) => broker.publish({ body: Buffer.from(body), properties: { messageId: body } }, { queue: name })));
    return bodies;
  };
  const look = async (broker: AmqpBroker, name: string): Promise<string[]> => {
    const seen: string[] = [];
    await broker.browse(name, ({ body }) => {
      seen.push(body.toString());
      return 'keep';
    });
    return seen;
  };
  const argumentsOf = async (...names: string[]): Promise<string[]> => {
    const lines = (await node.rabbitmqctl('list_queues', '-p', host, '--silent', '--no-table-headers', 'name', 'arguments')).split('\n');
    return names.map((name) => lines.find((line) => line.startsWith(`${name}\t`)) ?? '');
  };

  it('takes a work queue as a Go service has made it, and warns once where it is no classic one', async () => {
    const { queue, warnings, connected } = begin();
    await declarePlainly(queue);
    const broker = await connected();
    await broker.declare({ queues: [{ name: queue, bindingKeys: [queue] }] });
    await broker.declare({ queues: [{ name: queue }] });
    const bodies = await fill(broker, queue, 3);
    const arrived = new Arrivals<string>();
    await broker.consume(queue, { tag: 'test', prefetch: 10 }, (delivery) => {
      arrived.add(delivery.body.toString());
      delivery.ack();
    });
    expect(await arrived.count(3)).toEqual(bodies);
    const ours = warnings.filter((warning) => warning.includes(`"${queue}"`));
    expect(ours).toEqual(defaultType === 'classic' ? [] : [expect.stringContaining(`"dead-letter-routing-key":"${queue}.dead"`)]);
  });

  it('knows what type a queue is of, whatever it was asked for', async () => {
    const { exchange, queue } = begin();
    await declarePlainly(queue);
    const register = new TopologyRegister(exchange, { failed: () => undefined, warning: () => undefined });
    const model = await connect(url);
    try {
      await register.declare(model, { queues: [{ name: queue }, { name: `${queue}.free`, type: 'server-default' }, { name: `${queue}.quorum`, type: 'quorum' }, { name: `${queue}.dead`, purpose: 'dead-letters' }] });
      expect(['', '.free', '.quorum', '.dead', '.other'].map((end) => register.typeOf(`${queue}${end}`))).toEqual([defaultType, defaultType, 'quorum', 'classic', undefined]);
    } finally {
      await model.close();
    }
  });

  it('leaves room for a Go service that comes later: with the type classic where that is the default, and without one everywhere', async () => {
    const { queue, connected } = begin();
    const broker = await connected();
    await broker.declare({ queues: [{ name: queue, type: 'server-default' }, { name: `${queue}.classic` }] });
    await declarePlainly(queue);
    await (defaultType === 'classic' ? declarePlainly(`${queue}.classic`) : expect(declarePlainly(`${queue}.classic`)).rejects.toThrow(/x-queue-type/));
    const again = await connected();
    await again.declare({ queues: [{ name: queue, type: 'server-default' }] });
  });

  const TYPES = ['classic', 'quorum', 'server-default'] as const;
  it.each(TYPES.flatMap((ofMain) => TYPES.map((ofWorker) => [ofMain, ofWorker] as const)))('lets those that fill a queue of dead letters (%s) and a worker of it (%s) start in either order', async (ofMain, ofWorker) => {
    const { exchange, queue, warnings, connected } = begin();
    const worked = (name: string): QueueDeclaration => ({ name, type: ofWorker });
    const made = (name: string): QueueDeclaration => ({ name, purpose: 'dead-letters', type: ofMain });
    const declare = async (...queues: QueueDeclaration[]): Promise<void> => { for (const one of queues) await (await connected()).declare({ queues: [one] }); };
    const [a, b] = [`${queue}.a.dead`, `${queue}.b.dead`];
    await declare(worked(a), made(a), worked(a));
    await declare(made(b), worked(b), made(b));
    // Whoever comes first: none is lost to a policy or a limit. Only a worker that wants what a Go service declares makes it so.
    const returns = `${exchange}.delay.v2.due`;
    const found = await argumentsOf(a, b);
    expect(found.map((one) => one.includes('x-dead-letter-routing-key') && one.includes(returns))).toEqual([ofWorker !== 'server-default', true]);
    const isLess = (first: string, second: string): boolean => second === 'quorum' && (first === 'server-default' ? defaultType : first) === 'classic';
    expect(warnings.filter((text) => text.includes(a)).some((text) => text.includes('though quorum was asked for'))).toBe(isLess(ofWorker, ofMain));
    expect(warnings.filter((text) => text.includes(b)).some((text) => text.includes('though quorum was asked for'))).toBe(isLess(ofMain === 'server-default' ? 'classic' : ofMain, ofWorker));
  });

  it('says what is there when a quorum queue is asked for and another one exists', async () => {
    const { queue, connected } = begin();
    await declarePlainly(queue);
    const broker = await connected();
    const declared = broker.declare({ queues: [{ name: queue, type: 'quorum' }] });
    await expect(declared).rejects.toBeInstanceOf(TopologyMismatchError);
    await expect(declared).rejects.toThrow(/exists already with x-\S+ = \S+, but \S+ was asked for/);
  });

  it.each([
    ['made now', undefined, false], ['made by 0.1.0', undefined, true], ['quorum, made now', 'quorum', false],
  ] as const)('shows dead letters as often as anybody looks (%s)', async (_case, type, isOld) => {
    const { queue, connected, deadLetters } = begin();
    if (isOld) await declarePlainly(`${queue}.dead`);
    const broker = await connected();
    await broker.declare({ queues: [deadLetters(type)] });
    const bodies = await fill(broker, `${queue}.dead`, 50);
    for (let round = 0; round < LOOKS; round++) expect(await look(broker, `${queue}.dead`)).toEqual(bodies);
    // Not to the end: what was not seen keeps its place too.
    for (let round = 0; round < 8; round++) {
      await broker.browse(`${queue}.dead`, (_message, position) => (position === 4 ? 'stop' : 'keep'));
    }
    await broker.browse(`${queue}.dead`, ({ body }) => (body.toString() === 'm7' ? 'remove' : 'keep'));
    expect(await look(broker, `${queue}.dead`)).toEqual(bodies.filter((body) => body !== 'm7'));
  }, SLOW_MS);

  it('waits for nothing that does not come back when a look has written all anew', async () => {
    const { queue, connected, deadLetters } = begin();
    const broker = await connected();
    await broker.declare({ queues: [deadLetters('quorum')] });
    const bodies = await fill(broker, `${queue}.dead`, 3);
    for (let round = 0; round < 6; round++) expect(await look(broker, `${queue}.dead`)).toEqual(bodies);
    // Some for each look; more than a hundred where it waits until the time is up.
    expect(counted.mock.calls.filter(([name]) => name === `${queue}.dead`).length).toBeLessThan(80);
  });

  it('shows dead letters more often than RabbitMQ by itself lets messages come back', async () => {
    const { queue, connected } = begin();
    const plain = await addVirtualHost(node, `no-policy-${defaultType}`, defaultType);
    await withChannel(plain, (channel) => channel.assertQueue(`${queue}.dead`, { durable: true }));
    const broker = await connected(plain);
    const bodies = await fill(broker, `${queue}.dead`, 3);
    for (let round = 0; round <= RABBITMQ_LIMIT + 1; round++) expect(await look(broker, `${queue}.dead`)).toEqual(bodies);
  }, SLOW_MS);

  it('keeps dead letters whatever a visitor throws', async () => {
    const { queue, connected } = begin();
    await declarePlainly(`${queue}.dead`);
    const broker = await connected();
    const bodies = await fill(broker, `${queue}.dead`, 20);
    for (let round = 0; round < LOOKS; round++) {
      await expect(broker.browse(`${queue}.dead`, () => {
        throw new Error('visitor');
      })).rejects.toThrow('visitor');
    }
    expect(await look(broker, `${queue}.dead`)).toEqual(bodies);
  }, SLOW_MS);

  it.each([['made now', false], ['made by 0.1.0', true]])('keeps pauses, cancellations and notes of lines (%s)', async (_case, isOld) => {
    const { exchange, queue, connected } = begin();
    if (isOld) await declarePlainly(`${exchange}.control.v1.pauses`, `${exchange}.control.v1.cancellations`, `${queue}.lines`);
    const broker = await connected();
    const pauses = new PauseRegister(broker, exchange);
    const cancellations = new Cancellations(broker, exchange, { changed: () => undefined, problem: () => undefined }, () => Date.now());
    const lines = new LineRegister(broker);
    await pauses.write({ kind: 'queue', name: 'a', by: 'somebody', reason: '', since: new Date() });
    await pauses.write({ kind: 'task', name: 'b', by: 'somebody', reason: '', since: new Date() });
    await cancellations.cancel(['uuid']);
    await lines.add(queue, ['level:high', 'level:low'], undefined);
    for (let round = 0; round < LOOKS; round++) {
      expect((await pauses.read()).map(({ name }) => name)).toEqual(['a', 'b']);
      expect(await lines.read(queue)).toEqual(['level:high', 'level:low']);
      await cancellations.watch();
      expect(cancellations.reasonOf('uuid')).toBeDefined();
    }
    expect(await pauses.remove('queue:a')).toBe(1);
    expect((await pauses.read()).map(({ name }) => name)).toEqual(['b']);
    await cancellations.stop();
  }, SLOW_MS);

  it.each([['made now', false], ['made by 0.1.0', true]])('keeps what the ledger holds when its keeper goes again and again (%s)', async (_case, isOld) => {
    const { exchange } = begin();
    if (isOld) {
      await withChannel(url, async (channel) => {
        for (const name of ['ledger.v1', 'ledger.requests.v1']) await channel.assertQueue(`${exchange}.${name}`, { durable: true, arguments: { 'x-single-active-consumer': true } });
      });
    }
    // More than the 2,000 that a quorum queue gives to a consumer without a limit.
    const keys = Array.from({ length: 3_000 }, (_, index) => `key-${index}`);
    for (let round = 0; round < LOOKS; round++) {
      const ledger = createResultBackend(url, { exchange, reconnectMinMs: 20 });
      await ledger.connect();
      if (round === 0) await Promise.all(keys.map((key) => ledger.set(key, Buffer.from(key), MINUTE)));
      const sample = [keys[0], keys[1_500], keys[2_999]] as string[];
      expect((await Promise.all(sample.map((key) => ledger.get(key)))).map(String)).toEqual(sample);
      if (round === LOOKS - 1) expect((await Promise.all(keys.map((key) => ledger.get(key)))).map(String)).toEqual(keys);
      await ledger.close(5_000);
    }
  }, SLOW_MS);

  it('delivers delayed tasks, keeps undelivered ones, and takes replies, where 0.1.0 has made the queues', async () => {
    const { exchange, queue, connected } = begin();
    await declarePlainly(`${exchange}.delay.v2.due`, `${exchange}.undelivered`);
    const broker = await connected();
    await broker.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
    const arrived = new Arrivals<string>();
    await broker.consume(queue, { tag: 'test', prefetch: 10 }, (delivery) => {
      arrived.add(delivery.body.toString());
      delivery.ack();
    });
    await broker.publish({ body: Buffer.from('later'), properties: {} }, { routingKey: 'key' }, { delayMs: 100 });
    await broker.publish({ body: Buffer.from('nowhere'), properties: {} }, { routingKey: 'nobody' }, { delayMs: 100 });
    expect(await arrived.count(1)).toEqual(['later']);
    await eventually(() => broker.depth(`${exchange}.undelivered`), (depth) => depth === 1, 'the undelivered one');
    for (let round = 0; round < LOOKS; round++) expect(await look(broker, `${exchange}.undelivered`)).toEqual(['nowhere']);
    const replies = new Arrivals<string>();
    const { address } = await broker.openReplies(({ body }) => replies.add(body.toString()));
    await broker.publish({ body: Buffer.from('reply'), properties: {} }, { queue: address });
    expect(await replies.count(1)).toEqual(['reply']);
  }, SLOW_MS);
});

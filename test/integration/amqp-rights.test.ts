import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import type { BrokerEvent, Delivery } from '../../lib/brokers/broker.js';
import { BrokerRefusedError, type DispatcherError } from '../../lib/errors.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { uniqueName } from '../support/shared-rabbitmq.js';
import { addUser } from '../support/virtual-hosts.js';
import { Arrivals, eventually, within } from '../support/wait.js';

const ALL = '.*';
const NONE = '^$';

/** Users with fewer rights: what exists already will do, and what is missing is named. */
describe('rights', () => {
  let node: RabbitMqNode;
  let exchange: string;
  let queue: string;
  let users = 0;

  /** The topology, made by somebody who may. */
  const prepared = async (): Promise<void> => {
    exchange = uniqueName('rights');
    queue = `${exchange}.q`;
    const owner = broker('guest:guest');
    await owner.connect();
    await owner.declare({ queues: [{ name: queue, bindingKeys: ['key'] }, { name: `${queue}.dead`, purpose: 'dead-letters' }] });
  };
  const broker = (credentials: string): AmqpBroker => {
    const made = new AmqpBroker({ url: node.url.replace('guest:guest', credentials), exchange, reconnection: { retries: 'forever', intervalMs: 50 } });
    onTestFinished(() => made.close(5_000));
    return made;
  };
  const user = async (configure: string, write: string, read: string): Promise<AmqpBroker> => {
    const name = `user-${++users}`;
    await addUser(node, name, 'secret', [configure, write, read]);
    return broker(`${name}:secret`);
  };
  const message = (id: string): { body: Buffer; properties: { messageId: string } } => ({ body: Buffer.from(id), properties: { messageId: id } });
  const refusal = (call: Promise<unknown>): Promise<DispatcherError> => within(call.then(() => { throw new Error('not refused'); }, (error: DispatcherError) => error), 20_000, 'the refusal');

  beforeAll(async () => { node = await startRabbitMq(); });
  afterAll(() => node.stop());

  it('lets a user publish with confirms who may only write to the exchange', async () => {
    await prepared();
    const publisher = await user(NONE, `^${exchange}$`, NONE);
    await publisher.connect();
    await Promise.all(Array.from({ length: 100 }, (_, n) => publisher.publish(message(`m${n}`), { routingKey: 'key' })));
    expect(await broker0Depth()).toBe(100);
    await expect(publisher.publish(message('lost'), { routingKey: 'other' })).rejects.toMatchObject({ code: 'ERR_DISPATCHER_UNROUTABLE' });
  });

  it('lets a worker without any right to configure take, send on and delay on what exists', async () => {
    await prepared();
    const owner = broker('guest:guest');
    await owner.connect();
    await owner.publish(message('now'), { queue }, { delayMs: 1 });
    const worker = await user(NONE, ALL, ALL);
    await worker.connect();
    await worker.declare({ queues: [{ name: queue, bindingKeys: ['key'] }, { name: `${queue}.dead`, purpose: 'dead-letters' }] });
    const arrivals = new Arrivals<string>();
    await worker.consume(queue, { tag: 'test', prefetch: 10 }, (delivery: Delivery) => { arrivals.add(String(delivery.body)); delivery.ack(); });
    await worker.publish(message('later'), { queue }, { delayMs: 100 });
    await worker.publish(message('dead'), { queue: `${queue}.dead` });
    await arrivals.count(2);
    expect([...arrivals.all].sort()).toEqual(['later', 'now']);
  });

  it('lets who may make no bucket for a long delay delay all the same, and open those that others have made', async () => {
    await prepared();
    const owner = broker('guest:guest');
    await owner.connect();
    await owner.publish(message('now'), { queue }, { delayMs: 1 });
    const notes = `${exchange}.delay.v2.wheel`;
    await eventually(() => owner.depth(notes), (depth) => depth === 0, 'the timing wheel');
    const worker = await user(NONE, ALL, ALL);
    await worker.connect();
    const arrivals = new Arrivals<{ id: string; at: number }>();
    await worker.consume(queue, { tag: 'test', prefetch: 10 }, (delivery: Delivery) => { arrivals.add({ id: String(delivery.body), at: Date.now() }); delivery.ack(); });
    const due = { worker: Date.now() + 6_000, owner: 0 };
    await worker.publish(message('by the worker'), { queue }, { delayMs: 6_000 });
    await eventually(() => owner.depth(notes), (depth) => depth === 1, 'somebody to make a bucket', { limitMs: 20_000 });
    due.owner = Date.now() + 4_000;
    await owner.publish(message('by the owner'), { queue }, { delayMs: 4_000 });
    await owner.close(5_000);
    await arrivals.count(3, 30_000);
    const at = new Map(arrivals.all.map(({ id, at: when }) => [id, when]));
    expect(at.get('by the worker')).toBeGreaterThanOrEqual(due.worker);
    expect(at.get('by the owner')).toBeGreaterThanOrEqual(due.owner);
  });

  it('says at the start which right is missing where the exchange is not there', async () => {
    await prepared();
    exchange = `${exchange}.absent`;
    const publisher = await user(NONE, ALL, ALL);
    const events = new Arrivals<BrokerEvent>();
    publisher.events.subscribe((event) => events.add(event));
    // Newer servers do not even say that it is not there: then the first publish does.
    const error = await refusal(publisher.connect().then(() => publisher.publish(message('m'), { routingKey: 'key' })));
    expect(error.message + JSON.stringify(events.all)).toContain(`has no configure right on the exchange "${exchange}"`.replaceAll('"', error.message.includes('no configure') ? '"' : '\\"'));
  });

  it.each([
    ['configure on a queue that is not there', (): [string, string, string] => [`^${exchange}$`, ALL, ALL], 'configure', 'queue', (): string => `${queue}.new`,
      (one: AmqpBroker): Promise<unknown> => one.declare({ queues: [{ name: `${queue}.new` }] }).then(() => one.consume(`${queue}.new`, { tag: 't', prefetch: 1 }, () => undefined))],
    ['read on a queue', (): [string, string, string] => [ALL, ALL, `^${exchange}$`], 'read', 'queue', (): string => queue,
      (one: AmqpBroker): Promise<unknown> => one.consume(queue, { tag: 't', prefetch: 1 }, () => undefined)],
    ['write on the exchange', (): [string, string, string] => [ALL, NONE, ALL], 'write', 'exchange', (): string => exchange,
      (one: AmqpBroker): Promise<unknown> => one.publish(message('m'), { routingKey: 'key' })],
    ['write on the default exchange', (): [string, string, string] => [ALL, `^${exchange}$`, ALL], 'write', 'exchange', (): string => 'amq.default',
      (one: AmqpBroker): Promise<unknown> => one.publish(message('m'), { queue })],
    ['configure on queues that the server names', (): [string, string, string] => [`^${exchange}`, ALL, ALL], 'configure', 'queue', (): string => 'amq.gen-',
      (one: AmqpBroker): Promise<unknown> => one.watchSignals(() => undefined)],
    ['configure on the exchange of inspection', (): [string, string, string] => [`^${exchange}$|^amq`, ALL, ALL], 'configure', 'exchange', (): string => `${exchange}.inspection.v1`,
      (one: AmqpBroker): Promise<unknown> => one.watchBroadcasts('topic', () => undefined).then(() => one.broadcast('topic', Buffer.from('m')))],
    ['configure on the queues of inspection', (): [string, string, string] => [`^${exchange}`, ALL, ALL], 'configure', 'queue', (): string => 'amq.gen-',
      (one: AmqpBroker): Promise<unknown> => one.watchBroadcasts('topic', () => undefined)],
    ['write on the exchange of inspection', (): [string, string, string] => [ALL, `^${exchange}$`, ALL], 'write', 'exchange', (): string => `${exchange}.inspection.v1`,
      (one: AmqpBroker): Promise<unknown> => one.broadcast('topic', Buffer.from('m'))],
    ['configure on the reply queue', (): [string, string, string] => [`^${exchange}$`, ALL, ALL], 'configure', 'queue', (): string => `${exchange}.replies.v1.`,
      (one: AmqpBroker): Promise<unknown> => one.openReplies(() => undefined)],
    ['configure on the lock of a walk', (): [string, string, string] => [`^${exchange}$`, ALL, ALL], 'configure', 'queue', (): string => `${exchange}.browse.v1.`,
      (one: AmqpBroker): Promise<unknown> => one.browse(queue, () => 'keep')],
  ])('names the missing right: %s', async (_title, patterns, right, kind, name, use) => {
    await prepared();
    const one = await user(...patterns());
    await one.connect();
    const error = await refusal(use(one));
    const warnings = new Arrivals<BrokerEvent>();
    one.events.subscribe((event) => warnings.add(event));
    expect(error.message).toContain(`no ${right} right on the ${kind} "${name()}`);
    expect(error.message).toContain('rabbitmqctl set_permissions -p / user-');
    expect(error).toBeInstanceOf(BrokerRefusedError);
  });

  it('does not let publishes to a refused exchange disturb those to another', async () => {
    await prepared();
    const publisher = await user(NONE, `^${exchange}$`, NONE);
    await publisher.connect();
    const outcomes = await Promise.allSettled(Array.from({ length: 300 }, (_, n) =>
      publisher.publish(message(`m${n}`), n % 3 === 0 ? { queue } : { routingKey: 'key' })));
    expect(outcomes.filter((one, n) => (one.status === 'fulfilled') !== (n % 3 !== 0))).toEqual([]);
    for (const one of outcomes) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(BrokerRefusedError);
  });

  async function broker0Depth(): Promise<number | undefined> {
    const owner = broker('guest:guest');
    await owner.connect();
    return owner.depth(queue);
  }
});

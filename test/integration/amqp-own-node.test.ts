import { inspect } from 'node:util';
import { lastValueFrom } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import type { AmqpBrokerOptions } from '../../lib/brokers/amqp/amqp-broker-options.js';
import type { BrokerEvent } from '../../lib/brokers/broker.js';
import { BrokerRefusedError, TaskTooLargeError } from '../../lib/errors.js';
import { chain, task } from '../../lib/index.js';
import { createResultBackend } from '../../lib/state/create-result-backend.js';
import { Ledger } from '../support/ledger.js';
import { startOn } from '../support/nest-on-broker.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { formsOf, pathsTo } from '../support/reachable.js';
import { uniqueName } from '../support/shared-rabbitmq.js';
import { addUser } from '../support/virtual-hosts.js';
import { Arrivals, emission, eventually } from '../support/wait.js';

/** What must not be done to a server that others use. */
describe('a RabbitMQ of its own', () => {
  let node: RabbitMqNode;
  let exchange: string;
  let queue: string;
  let broker: AmqpBroker;

  const make = (options: Partial<AmqpBrokerOptions> = {}): AmqpBroker =>
    new AmqpBroker({ url: node.url, exchange, reconnection: { retries: 'forever', intervalMs: 50 }, ...options });
  const send = (uuid: string, body: Buffer = Buffer.from(uuid)): Promise<void> => broker.publish({ body, properties: { messageId: uuid } }, { routingKey: 'key' });
  const becomes = (status: string): Promise<unknown> => emission(broker.states, (state) => state.status === status, `status ${status}`, 60_000);

  beforeAll(async () => {
    node = await startRabbitMq({ config: 'max_message_size = 1048576' });
  });
  afterAll(() => node.stop());

  beforeEach(async () => {
    exchange = uniqueName('own');
    queue = `${exchange}.q`;
    broker = make();
    await broker.connect();
    await broker.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
  });
  afterEach(() => broker.close(5000));

  it('rejects what the server finds too large alone, and from then on by itself', async () => {
    const small = Array.from({ length: 400 }, (_, n) => n);
    const sent = await Promise.allSettled(small.map((n) => send(`m${n}`, n % 100 === 50 ? Buffer.alloc(2_000_000 + n) : Buffer.from(`m${n}`))));
    const wrong = sent.filter((one, n) => (one.status === 'rejected') !== (n % 100 === 50));
    expect(wrong).toEqual([]);
    expect(sent.filter((one) => one.status === 'rejected').map((one) => one.reason as unknown)).toEqual(Array.from({ length: 4 }, () => expect.any(TaskTooLargeError)));
    await expect(send('again', Buffer.alloc(1_048_577))).rejects.toThrow(/1048576/);
    await send('just fits', Buffer.alloc(1_048_576));
    expect(await broker.depth(queue)).toBeGreaterThanOrEqual(397);
  });

  it('loses nothing that it accepted when the server is killed under load, and delivers delayed ones not early', async () => {
    const ledger = new Ledger();
    await broker.consume(queue, { tag: 'test', prefetch: 50 }, (delivery) => {
      const { messageId } = delivery.properties;
      ledger.add({ kind: 'finished', uuid: String(messageId) });
      delivery.ack();
    });
    const due = Date.now() + 3000;
    await broker.publish({ body: Buffer.from('later'), properties: { messageId: 'later' } }, { queue }, { delayMs: 3000 });
    ledger.add({ kind: 'accepted', uuid: 'later' });
    const offers = Array.from({ length: 3000 }, (_, n) => ledger.offer(`u${n}`, () => send(`u${n}`)));
    await offers[200];
    const lost = becomes('lost');
    await node.kill9();
    await lost;
    offers.push(...Array.from({ length: 500 }, (_, n) => ledger.offer(`v${n}`, () => send(`v${n}`))));
    const ready = becomes('ready');
    await node.start();
    await ready;
    await Promise.all(offers);
    await ledger.settled(30_000);
    expect({ lost: ledger.lost(), invented: ledger.invented(), rejected: ledger.rejected.size }).toEqual({ lost: [], invented: [], rejected: 0 });
    expect(Date.now()).toBeGreaterThanOrEqual(due);
  });

  it('waits while the server takes nothing, goes on consuming, and sends when it takes again', async () => {
    await Promise.all(['a', 'b', 'c'].map((uuid) => send(uuid)));
    await node.rabbitmqctl('set_vm_memory_high_watermark', '0.0000001');
    try {
      // The alarm is told to those who publish.
      const blocked = becomes('blocked');
      const waiting = send('d');
      await blocked;
      const more = send('e');
      const arrived = new Arrivals<string>();
      const consumption = await broker.consume(queue, { tag: 'test', prefetch: 1 }, (delivery) => {
        arrived.add(delivery.body.toString());
        delivery.ack();
      });
      await arrived.count(3);
      const ready = becomes('ready');
      await node.rabbitmqctl('set_vm_memory_high_watermark', '0.4');
      await ready;
      await Promise.all([waiting, more]);
      await arrived.count(5);
      await consumption.close();
    } finally {
      await node.rabbitmqctl('set_vm_memory_high_watermark', '0.4');
    }
  });

  it('reports a refusal after the permissions were taken away, retries slowly, and keeps the others working', async () => {
    const user = uniqueName('user');
    await addUser(node, user, 'secret', ['.*', '.*', '.*']);
    const url = new URL(node.url);
    url.username = user;
    url.password = 'secret';
    const one = make({ url: url.href });
    const events: BrokerEvent[] = [];
    one.events.subscribe((event) => events.push(event));
    await one.connect();
    await node.rabbitmqctl('change_password', user, 'other');
    const failed = emission(one.events, (event) => event.type === 'broker.connect-failed' && event.error instanceof BrokerRefusedError, 'the refusal');
    await node.rabbitmqctl('close_all_connections', 'by the test');
    expect(await failed).toMatchObject({ retryInMs: 60_000 });
    expect(one.state).toMatchObject({ status: 'lost', cause: expect.any(BrokerRefusedError) });
    await one.close(1000);
    await becomes('ready');
    await send('still works');
  });

  /** The URL of a user who may do everything, with the password `sEcret9:%/@`. */
  async function secretUrl(): Promise<string> {
    const [user, password] = [uniqueName('user'), 'sEcret9:%/@'];
    await addUser(node, user, password, ['.*', '.*', '.*']);
    return node.url.replace(/\/\/[^@]*@/, `//${user}:${encodeURIComponent(password)}@`);
  }

  it('shows its password in nothing that a dispatcher hands out while it is connected', async () => {
    const config = { broker: await secretUrl(), exchange, defaultRoutingKey: 'work', workers: [] };
    const { service } = await startOn(config);
    const worker = await service.createWorker({ name: 'w', queue: `${exchange}.work`, bindingKeys: ['work'] }, { task: { function: () => 'done' } });
    await worker.start();
    const [sent, workflow] = [await service.publish('task', { args: [1], result: true }), await service.publish(chain(task('task', [1]), task('task')))];
    const heard: unknown[] = [await sent.result(), await workflow.result(), await workflow.progress(), await lastValueFrom(service.call('task', 1))];
    expect(pathsTo(formsOf('sEcret9'), [service, worker, sent, workflow, sent.reports(), service.task(sent.uuid), service.workflow(workflow.uuid), ...heard])).toEqual([]);
    for (const value of [sent, workflow, worker, service]) expect(inspect(value, { depth: 4, showHidden: true })).not.toContain('sEcret9');
  });

  it('shows its password nowhere: not in itself while it is connected, nor to the operators of the server', async () => {
    const url = await secretUrl();
    const one = make({ url });
    await one.connect();
    await one.publish({ body: Buffer.from('a'), properties: { messageId: 'a' } }, { routingKey: 'key' });
    const store = createResultBackend(url, { exchange });
    await store.connect();
    expect(pathsTo(formsOf('sEcret9'), [one, store])).toEqual([]);
    expect(await node.rabbitmqctl('list_connections', 'user', 'name', 'client_properties')).not.toContain('sEcret9');
    await store.close(1000);
    await one.close(1000);
  });

  it('rejects a publish that the user may not make, and no other', async () => {
    const user = uniqueName('user');
    await addUser(node, user, 'secret', ['.*', `^(${exchange})$`, '.*']);
    const url = new URL(node.url);
    url.username = user;
    url.password = 'secret';
    const one = make({ url: url.href });
    await one.connect();
    const outcomes = await Promise.allSettled([
      ...Array.from({ length: 20 }, (_, n) => one.publish({ body: Buffer.from('a'), properties: { messageId: `g${n}` } }, { routingKey: 'key' })),
      one.publish({ body: Buffer.from('b'), properties: { messageId: 'bad' } }, { queue }),
      ...Array.from({ length: 20 }, (_, n) => one.publish({ body: Buffer.from('c'), properties: { messageId: `h${n}` } }, { routingKey: 'key' })),
    ]);
    expect(outcomes.map((outcome, index) => [index, outcome.status]).filter(([, status]) => status === 'rejected')).toEqual([[20, 'rejected']]);
    expect((outcomes[20] as PromiseRejectedResult).reason).toBeInstanceOf(BrokerRefusedError);
    await one.close(1000);
  });

  it('has all connections back after the server asked everybody to leave', async () => {
    const connected = emission(broker.events, (event) => event.type === 'broker.connected', 'the connection to be back');
    await node.rabbitmqctl('close_all_connections', 'maintenance');
    await connected;
    await send('after');
    await eventually(async () => (await node.rabbitmqctl('list_connections', 'name')).split('\n').filter((line) => line.includes('->')).length, (count) => count === 2, 'two connections');
  });
});

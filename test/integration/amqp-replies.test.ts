import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import type { Message } from '../../lib/brokers/broker.js';
import { UnroutableTaskError } from '../../lib/errors.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { sharedRabbitMqUrl, uniqueName, withChannel } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { Arrivals, emission, eventually } from '../support/wait.js';

const url = sharedRabbitMqUrl();
const EXPIRE_MS = 60_000;
const SOON_MS = 1_500;

describe('the reply queue of a process', () => {
  let exchange: string;
  let proxy: TcpProxy;
  let caller: AmqpBroker;
  let worker: AmqpBroker;
  let replies: Arrivals<string>;
  let callerUrl: string;

  const makeCaller = (repliesExpireMs: number): AmqpBroker => new AmqpBroker({ url: callerUrl, exchange, reconnection: { retries: 'forever', intervalMs: 100 }, repliesExpireMs });

  const open = (): ReturnType<AmqpBroker['openReplies']> => caller.openReplies(({ body }: Message) => replies.add(body.toString()));
  const answer = (address: string, text: string): Promise<void> => worker.publish({ body: Buffer.from(text), properties: { messageId: text } }, { queue: address });
  const exists = (queue: string): Promise<boolean> => withChannel(url, async (channel) => channel.checkQueue(queue).then(() => true, () => false));

  beforeEach(async () => {
    exchange = uniqueName('amqp-replies');
    replies = new Arrivals();
    const before = await TcpProxy.before(url);
    proxy = before.proxy;
    callerUrl = before.url;
    caller = makeCaller(EXPIRE_MS);
    worker = new AmqpBroker({ url, exchange, reconnection: { retries: 'forever' } });
    await Promise.all([caller.connect(), worker.connect()]);
  });

  afterEach(async () => {
    proxy.set('pass');
    await Promise.all([caller.close(5_000), worker.close(5_000)]);
    await proxy.close();
    await removeExchange(url, exchange);
  });

  it('has its name from the exchange, is durable and belongs to no connection, and goes when it is closed', async () => {
    const opened = await open();
    expect(opened.address).toMatch(new RegExp(`^${exchange}\\.replies\\.v1\\.[0-9a-f-]{36}$`));
    await withChannel(url, (channel) => channel.assertQueue(opened.address, { durable: true, arguments: { 'x-expires': EXPIRE_MS } }));
    await answer(opened.address, 'one');
    expect(await replies.count(1)).toEqual(['one']);
    await opened.close();
    await opened.close();
    expect(await exists(opened.address)).toBe(false);
    await expect(answer(opened.address, 'two')).rejects.toBeInstanceOf(UnroutableTaskError);
  });

  it('goes with its broker', async () => {
    const { address } = await open();
    await caller.close(5_000);
    expect(await exists(address)).toBe(false);
    await expect(open()).rejects.toMatchObject({ code: 'ERR_DISPATCHER_SHUTDOWN' });
  });

  it('keeps what comes while the connection is lost', async () => {
    const { address } = await open();
    for (let round = 0; round < 3; round++) {
      const back = emission(caller.events, ({ type }) => type === 'broker.consumer-restored', 'the consumer to be back');
      proxy.set('reset');
      await emission(caller.states, ({ status }) => status !== 'ready', 'the connection to be lost');
      await Promise.all(Array.from({ length: 50 }, (_, i) => answer(address, `${round}-${i}`)));
      proxy.set('pass');
      await back;
    }
    await replies.count(150);
    expect(new Set(replies.all).size).toBe(150);
  });

  it('expires when its process does not come back, with all that is in it, and is made anew when it does', async () => {
    await caller.close(5_000);
    caller = makeCaller(SOON_MS);
    await caller.connect();
    const { address } = await open();
    proxy.set('reset');
    await answer(address, 'too late');
    // Asking the server for the queue would count as a use of it.
    await eventually(() => answer(address, 'nobody').then(() => undefined, (error: unknown) => error), (error) => error instanceof UnroutableTaskError, 'the queue to expire');
    const back = emission(caller.events, ({ type }) => type === 'broker.consumer-restored', 'the consumer to be back');
    proxy.set('pass');
    await back;
    await answer(address, 'heard');
    expect((await replies.count(1)).at(-1)).toBe('heard');
  });

  it('comes back when somebody deletes it', async () => {
    const { address } = await open();
    const back = emission(caller.events, ({ type }) => type === 'broker.consumer-restored', 'the consumer to be back');
    await withChannel(url, (channel) => channel.deleteQueue(address));
    await back;
    await answer(address, 'heard');
    expect(await replies.count(1)).toEqual(['heard']);
  });
});

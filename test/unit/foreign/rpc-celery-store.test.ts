import { describe, expect, it } from 'vitest';
import type { MessageProperties } from '../../../lib/brokers/broker.js';
import { ForeignSystems } from '../../../lib/dispatcher/results/foreign-systems.js';
import { BrokerUnavailableError, UnroutableTaskError } from '../../../lib/errors.js';
import { writeCeleryRecord, type CeleryStatus } from '../../../lib/formats/celery/celery-result.js';
import { RpcCeleryStore } from '../../../lib/foreign/celery/rpc-celery-store.js';
import { Secret } from '../../../lib/urls/secret.js';

const recordOf = (taskId: string, status: CeleryStatus = 'SUCCESS', result: unknown = 1): Buffer => writeCeleryRecord({ taskId, status, result, traceback: null, children: [] });
const replies = { open: () => Promise.resolve({ address: 'our-replies' }) };

function start(publish: (message: unknown, place: unknown) => Promise<void> = () => Promise.resolve()) {
  const sent: unknown[] = [];
  const broker = { publish: (message: unknown, place: unknown) => publish(message, place).then(() => { sent.push([message, place]); }) };
  return { store: new RpcCeleryStore(broker as never, replies), sent };
}

describe('replies of Celery that are awaited here', () => {
  it('come by the reply queue of this process, to whoever watches, also when they come first', async () => {
    const { store } = start();
    const properties: MessageProperties = {};
    await store.expect('a', properties);
    expect(properties).toEqual({ replyTo: 'our-replies', correlationId: 'a' });
    const heard: string[] = [];
    const stop = store.watch('a', (record) => heard.push(record.toString()));
    expect(store.take(recordOf('a', 'RETRY'), { correlationId: 'a' })).toBe(true);
    expect(heard).toEqual([recordOf('a', 'RETRY').toString()]);
    stop();
    expect(store.take(recordOf('a'), { correlationId: 'a' })).toBe(true);
    expect(heard).toHaveLength(1);
    expect(await store.read('a')).toEqual(recordOf('a'));
    expect(await new Promise((resolve) => { store.watch('a', resolve); })).toEqual(recordOf('a'));
  });

  it('are none where nobody here waits for them, or where they are no records', async () => {
    const { store } = start();
    await store.expect('a', {});
    expect([store.take(recordOf('b'), { correlationId: 'b' }), store.take(recordOf('a'), {}), store.take(Buffer.from('{}'), { correlationId: 'a' })]).toEqual([false, false, false]);
    expect([await store.read('a'), await store.read('b')]).toEqual([undefined, undefined]);
    store.watch('b', () => expect.unreachable())();
  });

  it('are expected within a bound, the oldest forgotten first', async () => {
    const { store } = start();
    for (let index = 0; index <= 10_000; index++) await store.expect(`id ${index}`, {});
    expect([store.take(recordOf('id 0'), { correlationId: 'id 0' }), store.take(recordOf('id 1'), { correlationId: 'id 1' })]).toEqual([false, true]);
  });
});

describe('replies to Celery', () => {
  it('go to the queue that the task names, and nowhere where it names none', async () => {
    const { store, sent } = start();
    await store.write('a', recordOf('a'), true, {});
    await store.write('a', recordOf('a'), true, { replyTo: '' });
    await store.write('a', recordOf('a'), true, { replyTo: 'their-queue', correlationId: 'c' });
    expect(sent).toEqual([[{ body: recordOf('a'), properties: { contentType: 'application/json', contentEncoding: 'utf-8', correlationId: 'c' } }, { queue: 'their-queue' }]]);
  });

  it('are of no use where that queue has gone, and tried again where the broker has', async () => {
    await start(() => Promise.reject(new UnroutableTaskError('no queue'))).store.write('a', recordOf('a'), true, { replyTo: 'gone' });
    await expect(start(() => Promise.reject(new BrokerUnavailableError('away'))).store.write('a', recordOf('a'), true, { replyTo: 'there' })).rejects.toThrow('away');
  });
});

describe('what follows a task of Celery', () => {
  it('is answered to whoever waits for that one, not to the process that sends it on', async () => {
    const systems = new ForeignSystems([{ format: 'celery', url: new Secret('rpc://'), expiresInMs: 1000 }] as never, {
      exchange: 'tasks', emit: () => undefined, broker: { publish: () => Promise.resolve() } as never, replies: { ...replies, before: () => undefined } as never,
    });
    const properties: MessageProperties = { messageId: 'next', replyTo: 'their-queue', correlationId: 'next' };
    await systems.announce('celery', { name: 'py.add', message: { body: Buffer.from('[]'), properties } });
    expect(properties).toEqual({ messageId: 'next', replyTo: 'their-queue', correlationId: 'next' });
    await systems.close(0);
  });
});

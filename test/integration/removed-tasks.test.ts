import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { chain, type DispatcherService, type ServerConfig, task } from '../../lib/index.js';
import type { BrowsedMessage } from '../../lib/brokers/broker.js';
import { createBroker } from '../../lib/dispatcher/create-broker.js';
import { resolveConfig } from '../../lib/dispatcher/config/resolve-config.js';
import { everyBroker, embeddedFolder, oneWorker, startOn } from '../support/nest-on-broker.js';

/** A dispatcher whose worker is there and does not consume. */
async function start(config: ServerConfig): Promise<{ service: DispatcherService; queue: string; ran: string[]; work(): Promise<void> }> {
  const { workers, ...rest } = config;
  const [worker] = workers as [{ name: string; queue: string; bindingKeys: string[] }];
  const { service } = await startOn({ ...rest, initQueues: [{ name: worker.queue, bindingKeys: worker.bindingKeys }] });
  const ran: string[] = [];
  const created = await service.createWorker(worker, { t: { function: (uuid: string) => { ran.push(uuid); return 'done'; }, taskUuidAsFirstArg: true } });
  return { service, queue: worker.queue, ran, work: () => created.start() };
}

/** Moves what waits to the dead letters as a broker does by itself: without a word of ours. */
async function putAsideByBroker(config: ServerConfig, queue: string): Promise<void> {
  const broker = createBroker(resolveConfig(config), 'test');
  await broker.connect();
  try {
    await broker.declare({ queues: [{ name: `${queue}.dead`, purpose: 'dead-letters' }] });
    const moved: BrowsedMessage[] = [];
    await broker.browse(queue, ({ body, properties, exchange, routingKey }) => {
      moved.push({ body: Buffer.from(body), properties, exchange, routingKey });
      return 'remove';
    });
    for (const { body, properties } of moved) await broker.publish({ body, properties }, { queue: `${queue}.dead` });
  } finally {
    await broker.close(5_000);
  }
}

const WAYS: [string, RegExp, (service: DispatcherService, queue: string, config: ServerConfig) => Promise<number>][] = [
  ['purge', /was purged from the queue/, (service, queue) => service.purge(queue)],
  ['discardAll', /was discarded from the dead letters/, async (service, queue, config) => {
    await putAsideByBroker(config, queue);
    return service.deadLetters.discardAll(queue);
  }],
  ['discard', /was discarded from the dead letters/, async (service, queue, config) => {
    await putAsideByBroker(config, queue);
    const { letters: [letter] } = await service.deadLetters.list(queue);
    return Number(await service.deadLetters.discard(queue, (letter as { id: string }).id));
  }],
  ['trim', /was discarded from the dead letters/, async (service, queue, config) => {
    await putAsideByBroker(config, queue);
    return service.deadLetters.trim(queue, { maxCount: 0 });
  }],
];

describe.each(everyBroker('removed'))('a task that is taken away before it ran, on %s', (title, url) => {
  describe.each(WAYS)('by %s', (_way, told, remove) => {
    it.each(['untilFinished', 'untilStarted'] as const)('frees its unique key (%s)', async (scope) => {
      const config = oneWorker(url(), 'removed');
      const { service, queue } = await start(config);
      const unique = { scope, key: 'k', replaceArguments: true };
      expect((await service.publish({ name: 't', unique })).unique).toEqual({ taken: true });
      expect((await service.publish({ name: 't', unique })).unique).toMatchObject({ taken: false });
      expect(await remove(service, queue, config)).toBe(1);
      expect((await service.publish({ name: 't', unique })).unique).toEqual({ taken: true });
    });

    it('tells whoever waits for its result', async () => {
      const config = oneWorker(url(), 'removed');
      const { service, queue } = await start(config);
      const waiting = (await service.publish({ name: 't', result: true })).result({ timeoutSeconds: 60 });
      const refused = expect(waiting).rejects.toMatchObject({ code: 'ERR_DISPATCHER_TASK_FAILED', message: expect.stringMatching(told), cause: { name: 'TaskRemovedError' } });
      expect(await remove(service, queue, config)).toBe(1);
      await refused;
    });

    it('tells the store where results are kept', async () => {
      const config = { ...oneWorker(url(), 'removed'), ...(title === 'amqp' ? { resultBackend: embeddedFolder('removed-results') } : {}), results: 'all' as const };
      const { service, queue } = await start(config);
      const { uuid } = await service.publish('t');
      expect(await remove(service, queue, config)).toBe(1);
      await expect(service.task(uuid).result({ timeoutSeconds: 60 })).rejects.toMatchObject({ message: expect.stringMatching(told) });
    });

    it('fails its workflow with the reason, and a retry of that runs it', async () => {
      const config = oneWorker(url(), 'removed');
      const { service, queue, ran, work } = await start(config);
      const workflow = await service.publish(chain(task('t'), task('t').immutable()));
      const refused = expect(workflow.result({ timeoutSeconds: 60 })).rejects.toMatchObject({ message: expect.stringMatching(told) });
      expect(await remove(service, queue, config)).toBe(1);
      await refused;
      expect(await workflow.retry()).toBe(1);
      await work();
      expect(await workflow.result({ timeoutSeconds: 60 })).toBe('done');
      expect(ran.length).toBe(2);
    });
  });

  it('a purge removes plain tasks and others together, and counts them', async () => {
    const { service, queue } = await start(oneWorker(url(), 'removed'));
    await service.publishMany(Array.from({ length: 2_500 }, (_, i) => (i % 100 === 0 ? { name: 't', uuid: randomUUID(), unique: { scope: 'untilFinished' as const, key: String(i) } } : { name: 't' })));
    expect(await service.purge(queue)).toBe(2_500);
    expect(await service.depth(queue)).toBe(0);
    expect((await service.publish({ name: 't', unique: { scope: 'untilFinished', key: '100' } })).unique).toEqual({ taken: true });
  });

  it('a purge that ends half way has removed nothing that was not ended', async () => {
    const config = oneWorker(url(), 'removed');
    const { service, queue } = await start(config);
    const uuids = Array.from({ length: 500 }, () => randomUUID());
    await service.publishMany(uuids.map((uuid) => ({ name: 't', uuid })));
    const broker = createBroker(resolveConfig(config), 'test');
    await broker.connect();
    const ended = new Set<string>();
    const left = new Set<string>();
    try {
      await expect(broker.purge(queue, async ({ properties: { messageId = '' } }) => {
        await Promise.resolve();
        if (ended.size >= 200) throw new Error('the store has gone');
        ended.add(messageId);
      })).rejects.toThrow('the store has gone');
      await broker.browse(queue, ({ properties: { messageId = '' } }) => {
        left.add(messageId);
        return 'keep';
      });
    } finally {
      await broker.close(5_000);
    }
    expect(ended.size).toBe(200);
    expect(uuids.filter((uuid) => !ended.has(uuid) && !left.has(uuid))).toEqual([]);
    expect(left.size).toBeGreaterThanOrEqual(300);
  });

  it('a replayed dead letter takes its unique key anew when it starts', async () => {
    const config = oneWorker(url(), 'removed');
    const { service, queue, work } = await start(config);
    const unique = { scope: 'untilFinished' as const, key: 'k' };
    const { uuid } = await service.publish({ name: 't', unique });
    await putAsideByBroker(config, queue);
    await service.deadLetters.replay(queue, uuid);
    await work();
    await service.drain({ timeoutSeconds: 60 });
    expect((await service.publish({ name: 't', unique })).unique).toEqual({ taken: true });
  });
});

import { describe, expect, it } from 'vitest';
import { chain, type DispatcherService, type ServerConfig, task } from '../../lib/index.js';
import type { Broker, BrowsedMessage } from '../../lib/brokers/broker.js';
import { createBroker } from '../../lib/dispatcher/create-broker.js';
import { resolveConfig } from '../../lib/dispatcher/config/resolve-config.js';
import { undeliveredQueueOf } from '../../lib/task/undelivered.js';
import { everyBroker, embeddedFolder, oneWorker, startOn } from '../support/nest-on-broker.js';
import { removeFromRabbitMq } from '../support/shared-rabbitmq.js';
import { eventually } from '../support/wait.js';

const DELAY_SECONDS = 1;

interface Place {
  readonly service: DispatcherService;
  readonly config: ServerConfig;
  readonly queue: string;
  readonly undelivered: string;
  readonly ran: string[];
  /** Makes the worker; its queue is bound to `later`, too. */
  work(): Promise<void>;
}

/** A dispatcher whose worker comes only later; nothing is bound to the key `later`. */
async function start(config: ServerConfig): Promise<Place> {
  const { workers, ...rest } = config;
  const [worker] = workers as [{ name: string; queue: string; bindingKeys: string[] }];
  const { service } = await startOn({ ...rest, initQueues: [{ name: worker.queue, bindingKeys: worker.bindingKeys }] });
  const ran: string[] = [];
  const work = async (): Promise<void> => {
    const created = await service.createWorker({ ...worker, bindingKeys: ['key', 'later'] }, { t: { function: (uuid: string) => { ran.push(uuid); return 'done'; }, taskUuidAsFirstArg: true } });
    await created.start();
  };
  return { service, config, queue: worker.queue, undelivered: undeliveredQueueOf(config.exchange as string), ran, work };
}

/** With a broker that carries bytes: nobody of its process can be told anything. */
async function withPlainBroker<T>(config: ServerConfig, use: (broker: Broker) => Promise<T>): Promise<T> {
  const broker = createBroker(resolveConfig(config), 'test');
  await broker.connect();
  try {
    return await use(broker);
  } finally {
    await broker.close(5_000);
  }
}

/** Long enough for the plain broker to be closed: it would put the task aside untold. */
const AWAY_MS = 4_000;

/** As a retry that waits while somebody deletes its queue. */
async function deleteQueueWhileItWaits({ config, queue }: Place): Promise<void> {
  const gone = `${queue}.gone`;
  await withPlainBroker(config, async (broker) => {
    await broker.declare({ queues: [{ name: gone }] });
    const moved: BrowsedMessage[] = [];
    await broker.browse(queue, ({ body, properties, exchange, routingKey }) => {
      moved.push({ body: Buffer.from(body), properties, exchange, routingKey });
      return 'remove';
    });
    for (const { body, properties } of moved) await broker.publish({ body, properties }, { queue: gone }, { delayMs: AWAY_MS });
  });
  // Not before: a delay to no queue is refused.
  await removeFromRabbitMq(config.broker as string, { queues: [gone], exchanges: [] });
}

interface Way {
  readonly title: string;
  readonly send: { readonly routingKey?: string; readonly delaySeconds?: number };
  readonly told: RegExp;
  then(place: Place): Promise<void>;
}

const UNBOUND: Way = { title: 'nothing is bound to its key', send: { routingKey: 'later', delaySeconds: DELAY_SECONDS }, told: /bound to .*later/, then: () => Promise.resolve() };
const DELETED: Way = { title: 'its queue was deleted', send: {}, told: /no queue ".*gone" any more/, then: deleteQueueWhileItWaits };

const BROKERS: [string, () => string, Way[]][] = [
  ...everyBroker('undelivered').map(([title, url]): [string, () => string, Way[]] => [title, url, title === 'amqp' ? [UNBOUND, DELETED] : [UNBOUND]]),
  ['memory', () => 'embedded:', [UNBOUND]],
];

describe.concurrent.each(BROKERS)('a delayed task that cannot be delivered, on %s', (title, url, ways) => {
  async function isBuried({ service, undelivered }: Place): Promise<void> {
    await eventually(() => service.depth(undelivered), (depth) => depth === 1, 'the undelivered task');
  }

  describe.each(ways)('$title', ({ send, told, then }) => {
    it.each(['untilFinished', 'untilStarted'] as const)('frees its unique key (%s)', async (scope) => {
      const place = await start(oneWorker(url(), 'undelivered'));
      const unique = { scope, key: 'k', replaceArguments: true };
      expect((await place.service.publish({ name: 't', unique, ...send })).unique).toEqual({ taken: true });
      expect((await place.service.publish({ name: 't', unique, ...send })).unique).toMatchObject({ taken: false });
      await then(place);
      await isBuried(place);
      expect((await place.service.publish({ name: 't', unique })).unique).toEqual({ taken: true });
    });

    it('tells whoever waits for its result', async () => {
      const place = await start(oneWorker(url(), 'undelivered'));
      const waiting = (await place.service.publish({ name: 't', result: true, ...send })).result({ timeoutSeconds: 60 });
      const refused = expect(waiting).rejects.toMatchObject({ code: 'ERR_DISPATCHER_TASK_FAILED', message: expect.stringMatching(told), cause: { name: 'TaskRemovedError' } });
      await then(place);
      await refused;
    });

    it('tells the store where results are kept', async () => {
      const config = { ...oneWorker(url(), 'undelivered'), ...(title === 'amqp' ? { resultBackend: embeddedFolder('undelivered-results') } : {}), results: 'all' as const };
      const place = await start(config);
      const { uuid } = await place.service.publish({ name: 't', ...send });
      await then(place);
      await expect(place.service.task(uuid).result({ timeoutSeconds: 60 })).rejects.toMatchObject({ message: expect.stringMatching(told) });
    });

    it('fails its workflow with the reason', async () => {
      const place = await start(oneWorker(url(), 'undelivered'));
      const workflow = await place.service.publish(chain(task('t').options(send), task('t').immutable()));
      const refused = expect(workflow.result({ timeoutSeconds: 60 })).rejects.toMatchObject({ message: expect.stringMatching(told) });
      await then(place);
      await refused;
    });

    it('is a dead letter of the undelivered, told once', async () => {
      const place = await start({ ...oneWorker(url(), 'undelivered'), results: 'all' as const, ...(title === 'amqp' ? { resultBackend: embeddedFolder('undelivered-results') } : {}) });
      const { uuid } = await place.service.publish({ name: 't', ...send });
      await then(place);
      await isBuried(place);
      const { letters: [letter] } = await place.service.deadLetters.list(place.undelivered, { filter: { reason: 'undelivered' } });
      expect(letter).toMatchObject({ uuid, name: 't', error: expect.stringMatching(told) as string });
      const { outcome } = await place.service.task(uuid).state() ?? {};
      expect(await place.service.deadLetters.discard(place.undelivered, uuid)).toBe(true);
      expect((await place.service.task(uuid).state())?.outcome).toEqual(outcome);
    });
  });

  it('runs with its workflow once its key is bound and that is retried', async () => {
    const place = await start(oneWorker(url(), 'undelivered'));
    const workflow = await place.service.publish(chain(task('t').options(UNBOUND.send), task('t').immutable()));
    await expect(workflow.result({ timeoutSeconds: 60 })).rejects.toThrow(UNBOUND.told);
    await place.work();
    expect(await workflow.retry()).toBe(1);
    expect(await workflow.result({ timeoutSeconds: 60 })).toBe('done');
    expect(place.ran.length).toBe(2);
  });

  it('takes its unique key anew when it is replayed and starts', async () => {
    const place = await start(oneWorker(url(), 'undelivered'));
    const unique = { scope: 'untilFinished' as const, key: 'k' };
    const { uuid } = await place.service.publish({ name: 't', unique, ...UNBOUND.send });
    await isBuried(place);
    await expect(place.service.deadLetters.replay(place.undelivered, uuid)).rejects.toMatchObject({ name: 'UnroutableTaskError' });
    await place.work();
    expect(await place.service.deadLetters.replay(place.undelivered, uuid)).toBe(true);
    await place.service.drain({ timeoutSeconds: 60 });
    expect(place.ran).toEqual([uuid]);
    expect((await place.service.publish({ name: 't', unique })).unique).toEqual({ taken: true });
  });

  it('is purged from the undelivered without another word', async () => {
    const place = await start(oneWorker(url(), 'undelivered'));
    const unique = { scope: 'untilFinished' as const, key: 'k' };
    const { uuid } = await place.service.publish({ name: 't', unique, ...UNBOUND.send });
    await isBuried(place);
    expect((await place.service.publish({ name: 't', uuid, unique })).unique).toEqual({ taken: true });
    expect(await place.service.purge(place.undelivered)).toBe(1);
    expect((await place.service.publish({ name: 't', unique })).unique).toMatchObject({ taken: false });
  });
});

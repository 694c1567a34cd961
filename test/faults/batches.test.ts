import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findServer } from '../../scripts/find-result-servers.mjs';
import type { DispatcherService } from '../../lib/index.js';
import { Ledger } from '../support/ledger.js';
import { startOn } from '../support/nest-on-broker.js';
import { startRabbitMq, type RabbitMqNode } from '../support/rabbitmq.js';
import { RedisServer } from '../support/redis.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { onTestFinished } from '../support/test-end.js';
import { eventually } from '../support/wait.js';
import { FaultApp } from './apps/fault-app.js';
import { plan } from './apps/plan.js';
import type { AppConfig } from './apps/protocol.js';

const LIMIT_MS = 150_000;

interface Scene {
  readonly ledger: Ledger;
  /** How many tasks the call was for, of each start of each task. */
  readonly sizes: Map<string, number[]>;
  publish(count: number, prefix: string, milliseconds: number): Promise<void>;
  offer(uuid: string, milliseconds: number): Promise<void>;
  start(name: string, change?: Partial<NonNullable<AppConfig['workers']>[number]>): Promise<FaultApp>;
  settled(): Promise<void>;
}

async function begin(url: string, purpose: string): Promise<Scene> {
  const ledger = new Ledger();
  const sizes = new Map<string, number[]>();
  const { queue, publisher, worker } = plan(url, purpose, { ledger: { refreshMs: 2_000 } });
  const { service } = await startOn(publisher);
  const book = async (): Promise<number> => {
    for (const { id, reason } of (await service.deadLetters.list(queue)).letters) ledger.add({ kind: 'dead', uuid: id, reason });
    return ledger.lost().length;
  };
  const offer = (uuid: string, milliseconds: number): Promise<void> => ledger.offer(uuid, () => publish(service, uuid, milliseconds));
  return {
    ledger, sizes, offer,
    publish: async (count, prefix, milliseconds) => { await Promise.all(Array.from({ length: count }, (_, number) => offer(`${prefix}-${number}`, milliseconds))); },
    start: async (name, change = {}) => {
      const config = worker(name, 2);
      const app = new FaultApp({ ...config, workers: config.workers?.map((one) => ({ ...one, ...change })) }, ledger);
      app.onStarted = ({ uuid, args }) => sizes.set(uuid, [...sizes.get(uuid) ?? [], args.at(-1) as number]);
      onTestFinished(() => app.kill9());
      await app.ready();
      return app;
    },
    settled: async () => { await eventually(book, (lost) => lost === 0, 'every task to be finished or dead', { limitMs: LIMIT_MS, everyMs: 500 }); },
  };
}

function publish(service: DispatcherService, uuid: string, milliseconds: number): Promise<unknown> {
  return service.publish({ uuid, name: 'batched', args: [{ type: 'int', value: milliseconds }] });
}

function tests(url: () => string, kind: string): void {
  it('costs no accepted task, again and again', async () => {
    const scene = await begin(url(), 'batch-kill');
    const { ledger } = scene;
    const workers = [await scene.start('a'), await scene.start('b')];
    for (let round = 1; round <= 4; round++) {
      const target = ledger.finished.size + 150;
      const publishing = scene.publish(600, `round${round}`, 40);
      await ledger.until(() => ledger.finished.size >= target, LIMIT_MS, `${target} tasks to be finished`);
      await workers.shift()?.kill9();
      workers.push(await scene.start(`replacement-${round}`));
      await publishing;
    }
    await scene.settled();
    const largest = Math.max(...[...scene.sizes.values()].flat());
    console.log(`[ledger] ${kind}, 4 workers with batches killed: ${ledger.toString()}, ran twice ${ledger.duplicates().length}, largest call ${largest}`);
    expect({ lost: ledger.lost(), invented: ledger.invented(), accepted: ledger.accepted.size, dead: ledger.dead.size }).toEqual({ lost: [], invented: [], accepted: 2_400, dead: 0 });
    expect(largest).toBe(50);
  });

  it('is not caused again to others by the task that causes it: from then on each of them is called alone', async () => {
    const scene = await begin(url(), 'batch-poison');
    const { ledger, sizes } = scene;
    await scene.publish(24, 'before', 10);
    await scene.offer('poison', -10);
    await scene.publish(24, 'after', 10);
    let isOver = false;
    const going = (async () => {
      for (let restart = 0; !isOver; restart++) await (await scene.start(`worker-${restart}`, { maxRedeliveries: 2, limit: 1 })).exited(LIMIT_MS);
    })().catch(() => undefined);
    await scene.settled();
    isOver = true;
    console.log(`[ledger] ${kind}, a batch with one that kills: ${ledger.toString()}; sizes of its calls ${String(sizes.get('poison'))}`);
    expect({ lost: ledger.lost(), dead: [...ledger.dead], finished: ledger.finished.size }).toEqual({ lost: [], dead: [['poison', 'crash-loop']], finished: 48 });
    const [first, ...later] = sizes.get('poison') ?? [];
    expect(first).toBeGreaterThan(1);
    expect([...new Set(later)]).toEqual([1]);
    void going;
  });
}

describe.concurrent('kill -9 of a process with batches, on RabbitMQ', () => {
  let node: RabbitMqNode;
  beforeAll(async () => { node = await startRabbitMq(); });
  afterAll(() => node.stop());
  describe.sequential('one after the other', () => tests(() => node.url, 'rabbitmq'));
});

describe.concurrent('kill -9 of a process with batches, on an embedded folder', () => {
  let folder: string;
  beforeAll(() => { folder = temporaryFolder('batches'); });
  afterAll(() => removeFolder(folder));
  describe.sequential('one after the other', () => tests(() => `embedded:${folder}`, 'embedded'));
});

describe('kill -9 of a process with batches, on Redis', { concurrent: true, skip: findServer('redis-server') === undefined }, () => {
  let server: RedisServer;
  beforeAll(async () => { server = await RedisServer.start(); });
  afterAll(() => server.stop());
  describe.sequential('one after the other', () => tests(() => server.url, 'redis'));
});

import { Injectable } from '@nestjs/common';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Task, type DispatcherService, type TaskInput, type WorkerConfig } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { celeryWorkerOfTest, installCelery, sendByCelery, type CeleryPeer, type CelerySurroundings } from '../support/celery-peer.js';
import { redisBroker, startOn } from '../support/nest-on-broker.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { Arrivals, eventually } from '../support/wait.js';

/** Not all brokers that tests know: Celery has no folder. */
const BROKERS: [title: string, url: () => string, tasks: number][] = [['RabbitMQ', sharedRabbitMqUrl, 200], ...redisBroker().map(([, url]): [string, () => string, number] => ['Redis', url, 1_000])];
const calls = new Arrivals<[name: string, ...values: unknown[]]>();

@Injectable()
class Ours {
  @Task('ours.any') any(...values: unknown[]): void { calls.add(['any', ...values]); }
  @Task('echoed') echoed(text: string): void { calls.add(['echoed', JSON.parse(text)]); }
  @Task('ours.step') step(value: number): number { return value + 1; }
  @Task('ours.fails') fails(): void { throw new Error('it failed'); }
  @Task('shared') async shared(index: number): Promise<void> {
    calls.add(['shared', index]);
    // So that there is something left for the other side.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  @Task('ours.end') end(...values: unknown[]): void { calls.add(['end', ...values]); }
}

/** The same ones each time. */
function someValue(index: number): unknown {
  const values = [index, -index, index + 0.5, `tëxt "${index}" <&> \u2028`, true, null, [index, [null, 'x']], { key: index, nested: { list: [1, 2.5] } }, 9_007_199_254_740_991, ''];
  return values[index % values.length];
}

let peer: CeleryPeer;
beforeAll(async () => { peer = await installCelery(); }, 290_000);
afterAll(() => { if ('unavailable' in peer) console.warn(`Not seen beside Celery: ${peer.unavailable}`); });

describe.each(BROKERS)('Celery and we, on %s', (title, brokerUrl, TASKS) => {
  // On Redis a queue is Celery's own where it says so; on RabbitMQ it is one as all are.
  const format = title === 'Redis' ? { format: 'celery' } : {};
  let folder: string;
  beforeAll(() => { folder = temporaryFolder('celery'); });
  afterAll(() => removeFolder(folder));

  async function start(purpose: string, more: readonly WorkerConfig[] = []): Promise<{ service: DispatcherService; surroundings: CelerySurroundings; dead: Arrivals<unknown> }> {
    calls.all.length = 0;
    const [exchange, broker] = [uniqueName(purpose), brokerUrl()];
    const surroundings = { BROKER: broker, OURS: `${exchange}.ours`, THEIRS: `${exchange}.theirs` };
    if (title === 'RabbitMQ') onTestFinished(() => removeExchange(broker, exchange, [surroundings.OURS, surroundings.THEIRS]));
    const { service } = await startOn({
      broker, exchange, defaultRoutingKey: surroundings.OURS, shutdownTimeoutSeconds: 10,
      initQueues: [{ name: surroundings.THEIRS, bindingKeys: [surroundings.THEIRS], format: 'celery' }],
      workers: [{ name: 'ours', queue: surroundings.OURS, bindingKeys: [surroundings.OURS], limit: 10, ...format, ...(more.length > 0 ? { tasks: ['echoed'] } : {}) }, ...more.map((worker) => ({ ...worker, queue: surroundings.THEIRS }))],
    }, { providers: [Ours] });
    const dead = new Arrivals<unknown>();
    service.events({ type: 'task.dead-lettered' }).subscribe(dead.add);
    return { service, surroundings, dead };
  }

  it('what it sends runs here: random arguments, delays, a chain through both, what is linked, what follows a failure', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { surroundings, dead } = await start('celery-in');
    celeryWorkerOfTest(peer.python, surroundings);
    const tasks = Array.from({ length: TASKS }, (_, index) => ({
      name: 'ours.any', args: [index, someValue(index)], ...(index % 3 === 0 ? { kwargs: { named: someValue(index + 1) } } : {}),
      ...(index % 20 === 7 ? { countdown: 2 } : {}), ...(index % 20 === 9 ? { expires: 600, time_limit: 60 } : {}),
    }));
    const file = join(folder, 'tasks.json');
    writeFileSync(file, JSON.stringify(tasks));
    await sendByCelery(peer.python, surroundings, file);
    const done = await calls.count(TASKS + 3, 60_000, 'tasks of Celery');
    const byIndex = new Map(done.filter(([name]) => name === 'any').map(([, index, ...rest]) => [index, rest]));
    for (const [index, { args: [, value], kwargs }] of tasks.entries()) expect(byIndex.get(index)).toEqual([value, ...(kwargs === undefined ? [] : [kwargs])]);
    expect(done.filter(([name]) => name === 'end').map(([, ...values]) => values).sort()).toEqual([[8], [6, 'linked'], ['failed-1', 'errback']].sort());
    // What follows a failure is sent before the failure is told.
    expect(await dead.count(1, 20_000, 'dead letters')).toHaveLength(1);
  }, 120_000);

  it('what we send runs there: random arguments, arguments by name, delays; and its retry comes back to it', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { service, surroundings, dead } = await start('celery-out');
    celeryWorkerOfTest(peer.python, surroundings);
    const tasks = Array.from({ length: TASKS }, (_, index): TaskInput => ({
      name: 'echo', routingKey: surroundings.THEIRS, args: [{ type: 'int', value: index }, { type: 'json', value: someValue(index) }],
      ...(index % 3 === 0 ? { kwargs: { named: someValue(index + 1) } } : {}), ...(index % 20 === 7 ? { delaySeconds: 2 } : {}),
    }));
    const outcomes = await service.publishMany(tasks);
    expect(outcomes.filter(({ accepted }) => !accepted)).toEqual([]);
    await service.publish({ name: 'py.retried', routingKey: surroundings.THEIRS, args: [{ type: 'string', value: 'theirs' }] });
    const done = await calls.count(TASKS + 1, 60_000, 'tasks that came back');
    const echoed = new Map(done.map(([, given]) => given as [unknown[], Record<string, unknown>]).map(([args, kwargs]) => [args[0], { args, kwargs }]));
    for (const [index, { kwargs = {} }] of tasks.entries()) expect(echoed.get(index)).toEqual({ args: [index, someValue(index)], kwargs });
    expect(echoed.get('theirs')).toEqual({ args: ['theirs', 1], kwargs: {} });
    expect(dead.all).toEqual([]);
  }, 120_000);

  it.runIf(title === 'Redis')('what waits with us, which has no place in its keys, is counted, and comes when it is due', async () => {
    const { service, surroundings } = await start('celery-delayed');
    await service.publish({ name: 'echoed', args: [{ type: 'string', value: '[]' }], delaySeconds: 1.5, format: 'celery', routingKey: surroundings.OURS });
    const delayed = async (): Promise<number> => { const { within, later } = await service.inspect.delayed(); return within.reduce((sum, { count }) => sum + count, later); };
    expect(await delayed()).toBeGreaterThanOrEqual(1);
    await calls.count(1);
    await eventually(delayed, (count) => count === 0, 'nothing to be delayed any more');
  });

  it.runIf(title === 'Redis')('beside its worker on one list, nothing is lost or runs twice', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { service, surroundings, dead } = await start('celery-beside', [{ name: 'beside', queue: '', limit: 4, format: 'celery', tasks: ['shared'] }]);
    celeryWorkerOfTest(peer.python, surroundings);
    // Not before it works.
    await service.publish({ name: 'echo', routingKey: surroundings.THEIRS, args: [{ type: 'int', value: -1 }] });
    await calls.first(([name]) => name === 'echoed', 'Celery to be up', 60_000);
    const file = join(folder, 'shared.json');
    writeFileSync(file, JSON.stringify(Array.from({ length: 1_000 }, (_, index) => ({ name: 'shared', args: [index] }))));
    const [sent] = await Promise.all([
      service.publishMany(Array.from({ length: 1_000 }, (_, index) => ({ name: 'shared', routingKey: surroundings.THEIRS, args: [{ type: 'int' as const, value: 1_000 + index }] }))),
      sendByCelery(peer.python, surroundings, file),
    ]);
    expect(sent.filter(({ accepted }) => !accepted)).toEqual([]);
    const done = await calls.count(2_001, 60_000, 'tasks that ran on either side');
    const indexOf = (name: string, value: unknown): number => (name === 'shared' ? value as number : ((value as [number[]])[0][0] as number));
    expect(done.map(([name, value]) => indexOf(name, value)).sort((a, b) => a - b)).toEqual(Array.from({ length: 2_001 }, (_, index) => index - 1));
    expect(done.filter(([name]) => name === 'shared').length).toBeGreaterThan(0);
    expect(done.filter(([name]) => name === 'echoed').length).toBeGreaterThan(1);
    expect(dead.all).toEqual([]);
  }, 120_000);
});

import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Task, type DispatcherService, type TaskInput, type WorkerConfig } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { buildMachineryPeer, machineryWorker, sendByMachinery, type MachineryPeer, type MachinerySurroundings } from '../support/machinery-peer.js';
import { redisBroker, startOn } from '../support/nest-on-broker.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { Arrivals } from '../support/wait.js';

/** Not all brokers that tests know: machinery has no folder. */
const BROKERS: [title: string, url: () => string, tasks: number][] = [['RabbitMQ', sharedRabbitMqUrl, 200], ...redisBroker().map(([, url]): [string, () => string, number] => ['Redis', url, 1_000])];
const calls = new Arrivals<[name: string, ...values: unknown[]]>();

@Injectable()
class Ours {
  @Task('ours.any') any(...values: unknown[]): void { calls.add(['any', ...values]); }
  @Task('echoed') echoed(...values: unknown[]): void { calls.add(['echoed', ...values]); }
  @Task('ours.step') step(value: bigint): bigint { return value + 1n; }
  @Task('ours.fails') fails(): void {
    calls.add(['fails']);
    throw new Error('it failed');
  }
  @Task('shared') async shared(index: bigint): Promise<void> {
    calls.add(['shared', index]);
    // So that there is something left for the other side.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  @Task('ours.end') end(...values: unknown[]): void { calls.add(['end', ...values]); }
}

let peer: MachineryPeer;
beforeAll(async () => { peer = await buildMachineryPeer(); }, 600_000);
afterAll(() => { if ('unavailable' in peer) console.warn(`Not seen beside machinery: ${peer.unavailable}`); });

describe.each(BROKERS)('machinery and we, on %s', (title, brokerUrl, TASKS) => {
  // On Redis a queue is machinery's own where it says so; on RabbitMQ it is one as all are.
  const format = title === 'Redis' ? { format: 'machinery' } : {};

  async function start(purpose: string, more: readonly WorkerConfig[] = []): Promise<{ service: DispatcherService; surroundings: MachinerySurroundings; dead: Arrivals<unknown> }> {
    calls.all.length = 0;
    const [exchange, url] = [uniqueName(purpose), brokerUrl()];
    const surroundings = { url, exchange, queue: `${exchange}.go`, other: `${exchange}.ours` };
    if (title === 'RabbitMQ') onTestFinished(() => removeExchange(url, exchange, [surroundings.queue, surroundings.other]));
    const { service } = await startOn({
      broker: url, exchange, defaultRoutingKey: surroundings.other, shutdownTimeoutSeconds: 10, format: 'machinery',
      initQueues: [{ name: surroundings.queue, bindingKeys: [surroundings.queue], ...format }],
      workers: [{ name: 'ours', queue: surroundings.other, bindingKeys: [surroundings.other], limit: 10, ...format, ...(more.length > 0 ? { tasks: ['ours.end'] } : {}) }, ...more.map((worker) => ({ ...worker, queue: surroundings.queue }))],
    }, { providers: [Ours] });
    const dead = new Arrivals<unknown>();
    service.events({ type: 'task.dead-lettered' }).subscribe(dead.add);
    return { service, surroundings, dead };
  }

  async function startWorker(program: string, surroundings: MachinerySurroundings): Promise<void> {
    const worker = machineryWorker(program, surroundings);
    onTestFinished(async () => {
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      worker.kill('SIGKILL');
      await ended;
    });
    await new Promise((resolve) => worker.stdout?.once('data', resolve));
  }

  const valuesOf = (i: number): unknown[] => [BigInt(i), `tëxt ${i} <&> \u2028`, i % 2 === 0, 2n ** 64n - 1n - BigInt(i), i + 0.5, [BigInt(i), -(2n ** 63n)]];

  it('what it sends runs here: every kind of argument, delays, a chain through both, retries as it says, what follows a failure', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { surroundings, dead } = await start('machinery-in');
    await startWorker(peer.program, surroundings);
    await sendByMachinery(peer.program, surroundings, TASKS);
    const done = await calls.count(TASKS + 4, 60_000, 'tasks of machinery');
    const byIndex = new Map(done.filter(([name]) => name === 'any').map(([, index, ...rest]) => [Number(index), [index, ...rest]]));
    for (let i = 0; i < TASKS; i++) expect(byIndex.get(i)).toEqual([...valuesOf(i), [1, 2, i % 256]]);
    expect(done.filter(([name]) => name === 'fails')).toHaveLength(2);
    expect(done.filter(([name]) => name === 'end').map(([, ...values]) => values).sort()).toEqual([['chain', 8n], ['it failed', 'on error']]);
    // What follows a failure is sent before the failure is told.
    expect(await dead.count(1, 20_000, 'dead letters')).toHaveLength(1);
  }, 120_000);

  it('what we send runs there, delays and retries too', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { service, surroundings, dead } = await start('machinery-out');
    await startWorker(peer.program, surroundings);
    const types = ['int64', 'string', 'bool', 'uint64', 'float64', '[]int64'] as const;
    const tasks = Array.from({ length: TASKS }, (_, i): TaskInput => ({
      name: 'go.echo', routingKey: surroundings.queue, args: valuesOf(i).map((value, index) => ({ type: types[index]!, value })), ...(i % 20 === 7 ? { delaySeconds: 2 } : {}),
    }));
    expect((await service.publishMany(tasks)).filter(({ accepted }) => !accepted)).toEqual([]);
    await service.publish({ name: 'go.retried', routingKey: surroundings.queue, args: [{ type: 'string', value: 'a' }], retry: { attempts: 2 } });
    const done = await calls.count(TASKS + 1, 60_000, 'tasks that came back');
    const echoed = new Map(done.filter(([name]) => name === 'echoed').map(([, index, ...rest]) => [Number(index), [index, ...rest]]));
    for (let i = 0; i < TASKS; i++) expect(echoed.get(i)).toEqual(valuesOf(i));
    expect(done).toContainEqual(['end', 'retried a']);
    expect(dead.all).toEqual([]);
  }, 120_000);

  it.runIf(title === 'Redis')('beside its worker on one list, nothing is lost or runs twice', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { service, surroundings, dead } = await start('machinery-beside', [{ name: 'beside', queue: '', limit: 10, format: 'machinery', tasks: ['shared'] }]);
    await startWorker(peer.program, surroundings);
    const [sent] = await Promise.all([
      service.publishMany(Array.from({ length: 1_000 }, (_, index) => ({ name: 'shared', routingKey: surroundings.queue, args: [{ type: 'int64' as const, value: BigInt(1_000 + index) }] }))),
      sendByMachinery(peer.program, surroundings, 1_000, true),
    ]);
    expect(sent.filter(({ accepted }) => !accepted)).toEqual([]);
    const done = await calls.count(2_000, 60_000, 'tasks that ran on either side');
    expect(done.map(([, index]) => Number(index)).sort((a, b) => a - b)).toEqual(Array.from({ length: 2_000 }, (_, index) => index));
    expect(new Set(done.map(([name]) => name))).toEqual(new Set(['shared', 'end']));
    expect(dead.all).toEqual([]);
  }, 120_000);
});

import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Task, type DispatcherService, type TaskInput } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { awaitByMachinery, buildMachineryPeer, machineryWorker, type AwaitedPlan, type GoResult, type MachineryPeer, type MachinerySurroundings, type SentSignature } from '../support/machinery-peer.js';
import { startOn } from '../support/nest-on-broker.js';
import { isMissing, ResultServers, type ResultServerName } from '../support/result-servers.js';
import { sharedRabbitMqUrl, transientQueuesRefused, uniqueName } from '../support/shared-rabbitmq.js';
import { Arrivals } from '../support/wait.js';

const ends = new Arrivals<unknown[]>();

@Injectable()
class Ours {
  @Task('ours.add') add(...values: bigint[]): bigint { return values.reduce((sum, value) => sum + value, 0n); }
  @Task('ours.all') all(kind: string): unknown {
    const values: Record<string, unknown> = { text: 'ünï <&>', flag: true, large: 2n ** 64n - 1n, float: 0.5, texts: ['a', 'b'], bytes: Buffer.from([1, 2]), object: { a: 1 }, nothing: undefined };
    return values[kind];
  }
  @Task('ours.fails') fails(): void { throw new Error('it failed here'); }
  @Task('ours.twice', { retry: { attempts: 2, delaySeconds: 0.1, jitter: 0 } }) twice(key: string): string {
    if (!ends.all.some(([name]) => name === key)) {
      ends.add([key]);
      throw new Error('once');
    }
    return 'second';
  }
  @Task('ours.end') end(...values: unknown[]): bigint {
    ends.add(values);
    return BigInt(values.length);
  }
}

const servers = new ResultServers();
let peer: MachineryPeer;
let refused: string | undefined;
beforeAll(async () => { [peer, refused] = [await buildMachineryPeer(), await transientQueuesRefused()]; }, 600_000);
afterAll(async () => {
  if ('unavailable' in peer) console.warn(`Not seen beside machinery: ${peer.unavailable}`);
  await servers.stop();
});

const STORES: readonly { name: ResultServerName | 'RabbitMQ'; urlFor: (url: string) => string }[] = [
  { name: 'Redis', urlFor: (url) => url },
  { name: 'memcached', urlFor: (url) => url },
  // As machinery, which goes by no database of the URL.
  { name: 'MongoDB', urlFor: (url) => url.replace(/^(mongodb:\/\/[^/]+).*$/, '$1') },
  { name: 'RabbitMQ', urlFor: (url) => url },
];

describe.each(STORES)('machinery with its results in $name', ({ name, urlFor }) => {
  async function start(purpose: string): Promise<{ service: DispatcherService; surroundings: MachinerySurroundings; program: string; dead: Arrivals<unknown>; go(plan: AwaitedPlan): Promise<GoResult[]> }> {
    ends.all.length = 0;
    const { program } = peer as { program: string };
    const [exchange, url, backend] = [uniqueName(purpose), sharedRabbitMqUrl(), urlFor(name === 'RabbitMQ' ? sharedRabbitMqUrl() : await servers.url(name))];
    const surroundings = { url, exchange, queue: `${exchange}.go`, other: `${exchange}.ours`, backend };
    onTestFinished(() => removeExchange(url, exchange, [surroundings.queue, surroundings.other]));
    const { service } = await startOn({
      broker: url, exchange, defaultRoutingKey: surroundings.other, shutdownTimeoutSeconds: 10, format: 'machinery', foreignResults: { machinery: { url: backend, expiresInSeconds: 600 } },
      initQueues: [{ name: surroundings.queue, bindingKeys: [surroundings.queue] }],
      workers: [{ name: 'ours', queue: surroundings.other, bindingKeys: [surroundings.other], limit: 10, unknownTaskGraceSeconds: 1 }],
    }, { providers: [Ours] });
    const dead = new Arrivals<unknown>();
    service.events({ type: 'task.dead-lettered' }).subscribe(dead.add);
    const worker = machineryWorker(program, surroundings);
    onTestFinished(async () => {
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      worker.kill('SIGKILL');
      await ended;
    });
    await new Promise((resolve) => worker.stdout?.once('data', resolve));
    return { service, surroundings, program, dead, go: (plan) => awaitByMachinery(program, surroundings, plan) };
  }

  const unavailable = (): string | undefined => ('unavailable' in peer ? peer.unavailable : name === 'RabbitMQ' ? refused : isMissing(name) ? `no ${name} here` : undefined);
  const int64 = (value: number): object => ({ Type: 'int64', Value: value });
  const task = (taskName: string, RoutingKey: string, Args: object[] = []): SentSignature => ({ Name: taskName, RoutingKey, Args });

  it('what runs here is read by AsyncResult there: every kind of result, failures, retries, chains through both', async ({ skip }) => {
    if (unavailable() !== undefined) return skip(unavailable());
    const { surroundings: { queue, other }, go } = await start('machinery-states');
    const kinds = ['text', 'flag', 'large', 'float', 'texts', 'bytes', 'object', 'nothing'];
    const results = await go({ kind: 'group', tasks: kinds.map((kind) => task('ours.all', other, [{ Type: 'string', Value: kind }])) });
    expect(results.map(({ state, values, types }) => [state, values, types])).toEqual([
      ['SUCCESS', ['ünï <&>'], ['string']], ['SUCCESS', [true], ['bool']], name === 'MongoDB' ? ['SUCCESS', ['18446744073709551615'], ['string']] : ['SUCCESS', [18446744073709552000], ['uint64']], ['SUCCESS', [0.5], ['float64']],
      ['SUCCESS', [['a', 'b']], ['[]string']], ['SUCCESS', ['AQI='], ['[]uint8']], ['SUCCESS', ['{"a":1}'], ['string']], ['SUCCESS', [], []],
    ]);
    expect(await go({ kind: 'task', tasks: [task('ours.fails', other)] })).toMatchObject([{ state: 'FAILURE', error: 'it failed here' }]);
    expect(await go({ kind: 'task', tasks: [task('ours.twice', other, [{ Type: 'string', Value: 'again' }])] })).toMatchObject([{ state: 'SUCCESS', values: ['second'] }]);
    const chain = await go({ kind: 'chain', tasks: [task('ours.add', other, [int64(1)]), task('go.add', queue, [int64(2)]), task('ours.add', other, [int64(3)]), task('go.add', queue, [int64(4)])] });
    expect(chain.map(({ state, values }) => [state, values])).toEqual([['SUCCESS', [1]], ['SUCCESS', [3]], ['SUCCESS', [6]], ['SUCCESS', [10]]]);
  }, 120_000);

  it('chords of Go with members on both sides are completed, whichever side ends last, each once', async ({ skip }) => {
    if (unavailable() !== undefined) return skip(unavailable());
    const { surroundings: { queue, other }, go, dead } = await start('machinery-chords');
    const members = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? task('ours.add', other, [int64(index)]) : task('go.add', queue, [int64(index)])));
    for (const callback of [task('ours.add', other, [int64(100)]), task('go.add', queue, [int64(100)])]) {
      const results = await go({ kind: 'chord', tasks: members, callback });
      expect(results.map(({ state, values }) => [state, values])).toEqual([...members.map((_, index) => ['SUCCESS', [index]]), ['SUCCESS', [145]]]);
    }
    const ours = await go({ kind: 'chord', tasks: members.filter((_, index) => index % 2 === 0), callback: task('ours.end', other, [{ Type: 'string', Value: 'end' }]) });
    expect(ours.at(-1)).toMatchObject({ name: 'ours.end', state: 'SUCCESS', values: [6] });
    // There they come in the order in which they have ended.
    expect(name === 'RabbitMQ' ? ends.all.map(([first, ...rest]) => [first, ...rest.sort()]) : ends.all).toEqual([['end', 0n, 2n, 4n, 6n, 8n]]);
    expect(dead.all).toEqual([]);
  }, 120_000);

  it('chains, groups and chords that are put together here are carried on by both', async ({ skip }) => {
    if (unavailable() !== undefined) return skip(unavailable());
    const { service, surroundings: { queue, other } } = await start('machinery-composed');
    const machinery = service.foreign('machinery');
    const add = (value: bigint, routingKey: string): TaskInput => ({ name: routingKey === queue ? 'go.add' : 'ours.add', routingKey, args: [{ type: 'int64', value }] });
    const chain = await machinery.chain([add(1n, other), add(2n, queue), add(3n, other), add(4n, queue)]);
    expect(await chain.at(-1)?.result()).toBe(10n);
    const group = await machinery.group([add(1n, other), add(2n, queue)]);
    expect(await Promise.all(group.map((member) => member.result()))).toEqual([1n, 2n]);
    for (const last of [other, queue]) {
      const { members, callback } = await machinery.chord([add(1n, other), add(2n, queue), add(3n, other)], add(100n, last));
      expect(await callback.result()).toBe(106n);
      if (name !== 'RabbitMQ') expect(await Promise.all(members.map((member) => member.result()))).toEqual([1n, 2n, 3n]);
    }
  }, 120_000);

  it('what runs there is read here', async ({ skip }) => {
    if (unavailable() !== undefined) return skip(unavailable());
    const { service, surroundings: { queue } } = await start('machinery-read');
    const args = [{ type: 'int64', value: 40n }, { type: 'int64', value: 2n }] as const;
    const added = await service.publish({ name: 'go.add', routingKey: queue, args: [...args] });
    expect(await added.result()).toBe(42n);
    expect(await service.task(added.uuid).state()).toMatchObject({ uuid: added.uuid, state: 'succeeded', outcome: { kind: 'value', value: 42n } });
    expect(await (await service.publish({ name: 'go.three', routingKey: queue })).result()).toEqual(['ünï', 9007199254740993n, 0.5]);
    await expect((await service.publish({ name: 'go.fails', routingKey: queue })).result()).rejects.toMatchObject({ name: 'TaskFailedError', cause: { message: 'it failed in Go' } });
  }, 120_000);
});

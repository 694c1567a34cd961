import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Task, TaskContext, type DispatcherService, type TaskInput } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { awaitByCelery, celeryWorkerOfTest, installCelery, revokeByCelery, type CeleryOutcome, type CeleryPeer, type CeleryPlan, type CelerySurroundings, type SentCelery } from '../support/celery-peer.js';
import { startOn } from '../support/nest-on-broker.js';
import { isMissing, ResultServers } from '../support/result-servers.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { Arrivals } from '../support/wait.js';

const ends = new Arrivals<unknown[]>();

@Injectable()
class Ours {
  @Task('ours.add') add(...values: (number | number[])[]): number { return values.flat().reduce((sum, value) => sum + value, 0); }
  @Task('ours.echo') echo(value: unknown): unknown { return value; }
  @Task('ours.fails') fails(): void { throw new TypeError('it failed here'); }
  @Task('ours.twice', { retry: { attempts: 2, delaySeconds: 0.1, jitter: 0 } }) twice(key: string): string {
    if (!ends.all.some(([name]) => name === key)) {
      ends.add([key]);
      throw new Error('once');
    }
    return 'second';
  }
  @Task('ours.waits') async waits(@TaskContext() { signal }: TaskContext): Promise<void> {
    ends.add(['waits']);
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  }
  @Task('ours.end') end(...values: unknown[]): number {
    ends.add(values);
    return values.length;
  }
}

const servers = new ResultServers();
let peer: CeleryPeer;
beforeAll(async () => { peer = await installCelery(); }, 290_000);
afterAll(async () => {
  if ('unavailable' in peer) console.warn(`Not seen beside Celery: ${peer.unavailable}`);
  await servers.stop();
});

interface Started {
  readonly service: DispatcherService;
  readonly surroundings: CelerySurroundings;
  readonly dead: Arrivals<unknown>;
  python(plan: CeleryPlan): Promise<CeleryOutcome[]>;
}

async function start(purpose: string, backend: 'Redis' | 'rpc', limit = 10): Promise<Started> {
  ends.all.length = 0;
  const { python } = peer as { python: string };
  const [exchange, broker] = [uniqueName(purpose), sharedRabbitMqUrl()];
  const surroundings = { BROKER: broker, OURS: `${exchange}.ours`, THEIRS: `${exchange}.theirs`, BACKEND: backend === 'rpc' ? 'rpc://' : await servers.url('Redis') };
  onTestFinished(() => removeExchange(broker, exchange, [surroundings.OURS, surroundings.THEIRS]));
  const { service } = await startOn({
    broker, exchange, defaultRoutingKey: surroundings.OURS, shutdownTimeoutSeconds: 10, foreignResults: { celery: surroundings.BACKEND },
    initQueues: [{ name: surroundings.THEIRS, bindingKeys: [surroundings.THEIRS], format: 'celery' }],
    workers: [{ name: 'ours', queue: surroundings.OURS, bindingKeys: [surroundings.OURS], limit, unknownTaskGraceSeconds: 1 }],
  }, { providers: [Ours] });
  const dead = new Arrivals<unknown>();
  service.events({ type: 'task.dead-lettered' }).subscribe(dead.add);
  celeryWorkerOfTest(python, surroundings);
  return { service, surroundings, dead, python: (plan) => awaitByCelery(python, surroundings, plan) };
}

const unavailable = (): string | undefined => ('unavailable' in peer ? peer.unavailable : isMissing('Redis') ? 'no Redis here' : undefined);
const task = (name: string, queue: string, ...args: unknown[]): SentCelery => ({ name, queue, args });

describe.each(['Redis', 'rpc'] as const)('Celery with its results by %s', (backend) => {
  it('what runs here is got by AsyncResult there: values, failures, retries, chains through both', async ({ skip }) => {
    if (unavailable() !== undefined) return skip(unavailable());
    const { surroundings: { OURS, THEIRS }, python } = await start('celery-results', backend);
    const values = ['tëxt <&> \u2028', 1, 0.5, true, null, [1, [null]], { a: { b: [1.5] } }];
    const got = await python({ kind: 'group', tasks: [...values.map((value) => task('ours.echo', OURS, value)), task('ours.twice', OURS, 'again'), task('ours.fails', OURS)] });
    expect(got.map(({ state, value }) => [state, value])).toEqual([...values.map((value) => ['SUCCESS', value]), ['SUCCESS', 'second'], ['FAILURE', null]]);
    expect(got.at(-1)?.error).toEqual(['TypeError', 'it failed here']);
    const chain = await python({ kind: 'chain', tasks: [task('ours.add', OURS, 1), task('py.add', THEIRS, 2), task('ours.add', OURS, 3), task('py.add', THEIRS, 4)] });
    expect(chain.map(({ state, value }) => [state, value])).toEqual([['SUCCESS', 1], ['SUCCESS', 3], ['SUCCESS', 6], ['SUCCESS', 10]]);
  }, 120_000);

  it('what runs there is read here', async ({ skip }) => {
    if (unavailable() !== undefined) return skip(unavailable());
    const { service, surroundings: { THEIRS: routingKey } } = await start('celery-read', backend);
    const added = await service.publish({ name: 'py.add', routingKey, args: [{ type: 'int', value: 40 }, { type: 'int', value: 2 }] });
    expect(await added.result()).toBe(42);
    expect(await service.task(added.uuid).state()).toMatchObject({ uuid: added.uuid, state: 'succeeded', outcome: { kind: 'value', value: 42 } });
    await expect((await service.publish({ name: 'py.fails', routingKey })).result()).rejects.toMatchObject({ name: 'TaskFailedError', cause: { name: 'ValueError', message: 'it failed in Python' } });
  }, 120_000);
});

describe('chords of Celery', () => {
  it('with members on both sides are completed, whichever side ends last, each once, in their order', async ({ skip }) => {
    if (unavailable() !== undefined) return skip(unavailable());
    const { surroundings: { OURS, THEIRS }, python, dead } = await start('celery-chords', 'Redis');
    const members = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? task('ours.add', OURS, index) : task('py.add', THEIRS, index)));
    for (const callback of [task('ours.add', OURS, 100), task('py.add', THEIRS, 100)]) {
      const results = await python({ kind: 'chord', tasks: members, callback });
      expect(results.map(({ state, value }) => [state, value])).toEqual([...members.map((_, index) => ['SUCCESS', index]), ['SUCCESS', 145]]);
    }
    const ours = await python({ kind: 'chord', tasks: members.filter((_, index) => index % 2 === 0), callback: task('ours.end', OURS, 'end') });
    expect(ours.at(-1)).toMatchObject({ state: 'SUCCESS', value: 2 });
    expect(ends.all).toEqual([[[0, 2, 4, 6, 8], 'end']]);
    expect(dead.all).toEqual([]);
  }, 120_000);

  it('chains, groups and chords that are put together here are carried on by both', async ({ skip }) => {
    if (unavailable() !== undefined) return skip(unavailable());
    const { service, surroundings: { OURS, THEIRS } } = await start('celery-composed', 'Redis');
    const celery = service.foreign('celery');
    const add = (value: number, routingKey: string): TaskInput => ({ name: routingKey === THEIRS ? 'py.add' : 'ours.add', routingKey, args: [{ type: 'int', value }] });
    const chain = await celery.chain([add(1, OURS), add(2, THEIRS), add(3, OURS), add(4, THEIRS)]);
    expect(await Promise.all(chain.map((step) => step.result()))).toEqual([1, 3, 6, 10]);
    const group = await celery.group([add(1, OURS), add(2, THEIRS)]);
    expect(await Promise.all(group.map((member) => member.result()))).toEqual([1, 2]);
    for (const last of [OURS, THEIRS]) {
      const { members, callback } = await celery.chord([add(1, OURS), add(2, THEIRS), add(3, OURS)], add(100, last));
      expect(await callback.result()).toBe(106);
      expect(await Promise.all(members.map((member) => member.result()))).toEqual([1, 2, 3]);
    }
  }, 120_000);

  it('of which a member fails are failures, whichever side it fails on', async ({ skip }) => {
    if (unavailable() !== undefined) return skip(unavailable());
    const { surroundings: { OURS, THEIRS }, python } = await start('celery-chord-fails', 'Redis');
    for (const failing of [task('ours.fails', OURS), task('py.fails', THEIRS)]) {
      const results = await python({ kind: 'chord', tasks: [task('ours.add', OURS, 1), failing, task('py.add', THEIRS, 2)], callback: task('ours.end', OURS) });
      expect(results.at(-1)).toMatchObject({ state: 'FAILURE', error: ['ChordError', expect.stringMatching(/Dependency .* raised (TypeError|ValueError)\(/) as string] });
    }
    expect(ends.all).toEqual([]);
  }, 120_000);
});

describe('a task that Celery has revoked', () => {
  it('is not run here, and REVOKED; one that runs is stopped where Celery says so', async ({ skip }) => {
    if (unavailable() !== undefined) return skip(unavailable());
    const { service, surroundings } = await start('celery-revoke', 'Redis', 1);
    const { python } = peer as { python: string };
    const cancelled = new Arrivals<string>();
    service.events({ type: 'task.cancelled' }).subscribe(({ task: { uuid } }) => cancelled.add(uuid));
    const toUs = { routingKey: surroundings.OURS, format: 'celery' } as const;
    const running = await service.publish({ name: 'ours.waits', ...toUs });
    await ends.count(1, 20_000, 'starts of the task that waits');
    // The worker runs one at a time, so that this one is behind it until both are revoked; the third is revoked before it is sent.
    const waiting = await service.publish({ name: 'ours.end', ...toUs });
    const uuid = `${surroundings.OURS}-later`;
    await revokeByCelery(python, surroundings, [running.uuid, waiting.uuid, uuid], true);
    await cancelled.count(2, 20_000, 'cancelled tasks');
    const later = await service.publish({ name: 'ours.end', uuid, delaySeconds: 1, ...toUs });
    for (const revoked of [running, waiting, later]) await expect(revoked.result()).rejects.toMatchObject({ cause: { name: 'TaskRevokedError' } });
    expect([...await cancelled.count(3, 20_000, 'cancelled tasks')].sort()).toEqual([running.uuid, waiting.uuid, uuid].sort());
    expect(ends.all).toEqual([['waits']]);
  }, 120_000);
});

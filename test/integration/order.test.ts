import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Task, TaskContext, type ServerConfig } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { startOn } from '../support/nest-on-broker.js';
import { itemAt } from '../support/present.js';
import { RedisServer } from '../support/redis.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { onTestFinished } from '../support/test-end.js';
import { Arrivals, eventually, pause, Signal } from '../support/wait.js';

const KEYS = 8;
const PER_KEY = 12;
/** It runs until the test lets it end. */
const LONG = 51;

@Injectable()
class Tasks {
  readonly started = new Arrivals<readonly [key: string, value: number, attempt: number]>();
  readonly running = new Map<string, number>();
  readonly release = new Signal();
  overlaps = 0;
  most = 0;
  mended = false;

  @Task('book', { order: { by: '0' }, retry: { attempts: 3, delaySeconds: 0.1, backoff: 'fixed', jitter: 0 } })
  async book(key: string, value: number, @TaskContext() { attempt }: TaskContext): Promise<number> {
    this.started.add([key, value, attempt]);
    this.overlaps += this.running.get(key) ?? 0;
    this.running.set(key, 1);
    this.most = Math.max(this.most, this.running.size);
    await (value === LONG ? this.release.promise : new Promise((resolve) => void setTimeout(resolve, 5)));
    this.running.delete(key);
    if (value % 5 === 0 && attempt === 1) throw new Error('at first');
    return value;
  }

  @Task('fails', { order: { by: '0' } }) halts(key: string, value: number): void { this.fail(key, value); }
  @Task('skips', { order: { by: '0', onFailure: 'skip' } }) skips(key: string, value: number): void { this.fail(key, value); }

  private fail(key: string, value: number): void {
    this.started.add([key, value, 1]);
    if (value === 2 && !this.mended) throw new Error('for good');
  }

  values(of: string): number[] {
    return this.started.all.filter(([key]) => key === of).map(([, value]) => value);
  }
}

let redis: RedisServer;
beforeAll(async () => { redis = await RedisServer.start(); });
afterAll(() => redis.stop());

describe.concurrent.each([
  ['embedded:', () => ({ broker: 'embedded:' })],
  ['RabbitMQ and Redis', () => ({ broker: sharedRabbitMqUrl(), resultBackend: redis.url })],
  ['RabbitMQ alone', () => ({ broker: sharedRabbitMqUrl() })],
  ['Redis alone', () => ({ broker: redis.url })],
])('ordered tasks on %s', (name, kept) => {
  async function start() {
    const exchange = uniqueName('order');
    if (name.startsWith('RabbitMQ')) onTestFinished(() => removeExchange(sharedRabbitMqUrl(), exchange, [`${exchange}.q`]));
    const config: ServerConfig = { exchange, defaultRoutingKey: 'key', ...kept(), workers: [{ name: 'w', queue: `${exchange}.q`, bindingKeys: ['key'], limit: 20 }] };
    const tasks = new Tasks();
    const providers = [{ provide: Tasks, useValue: tasks }];
    // In memory only one dispatcher can share it.
    const services = await Promise.all(Array.from({ length: name === 'embedded:' ? 1 : 2 }, async () => (await startOn(config, { providers })).service));
    return { service: itemAt(services, 0), services, tasks, queue: `${exchange}.q` };
  }

  it.concurrent('run one after the other by key, through retries and over processes, and side by side otherwise', async () => {
    const { services, tasks } = await start();
    await Promise.all(Array.from({ length: KEYS }, async (_, key) => {
      for (let value = 1; value <= PER_KEY; value++) await itemAt(services, value % services.length).publish('book', `k${key}`, value);
    }));
    const runs = KEYS * (PER_KEY + Math.floor(PER_KEY / 5));
    await tasks.started.count(runs, 60_000);
    for (let key = 0; key < KEYS; key++) expect(tasks.values(`k${key}`)).toEqual(Array.from({ length: PER_KEY }, (_, index) => index + 1).flatMap((value) => (value % 5 === 0 ? [value, value] : [value])));
    expect(tasks.overlaps).toBe(0);
    expect(tasks.most).toBeGreaterThan(1);
  });

  it.concurrent('keep the order of one list, and give their results', async () => {
    const { service, tasks } = await start();
    const list = Array.from({ length: 30 }, (_, value) => ({ name: 'book', args: [{ type: 'string' as const, value: 'list' }, { type: 'int' as const, value: value + 101 }], retry: { attempts: 1 }, result: true, order: { by: '0', onFailure: 'skip' as const } }));
    const outcomes = await service.publishMany(list);
    expect(outcomes.every(({ accepted }) => accepted)).toBe(true);
    await tasks.started.count(30, 30_000);
    expect(tasks.values('list')).toEqual(list.map(({ args }) => args[1]?.value));
    const last = await service.publish({ ...itemAt(list, 0), args: [{ type: 'string', value: 'list' }, { type: 'int', value: 1 }] });
    expect(await last.result()).toBe(1);
  });

  it.concurrent('stand still behind one that has failed for good, until it is replayed, discarded or passed', async () => {
    const { service, tasks, queue } = await start();
    for (const key of ['replayed', 'discarded', 'passed', 'other']) for (const value of key === 'other' ? [1, 3] : [1, 2, 3]) await service.publish('fails', key, value);
    const letters = async () => (await service.deadLetters.list(queue)).letters;
    await eventually(letters, (found) => found.length === 3, 'three dead letters');
    await tasks.started.until(() => tasks.values('other').length === 2, 10_000, () => 'the other key');
    const locks = await eventually(() => service.inspect.locks({ name: 'fails' }), (found) => found.filter(({ state }) => state === 'halted').length === 3, 'three lines that stand still');
    expect(locks.filter(({ state }) => state === 'halted')).toMatchObject([{ kind: 'order' }, { kind: 'order' }, { kind: 'order' }]);
    for (const key of ['replayed', 'discarded', 'passed']) expect(tasks.values(key)).toEqual([1, 2]);
    tasks.mended = true;
    const letterOf = async (key: string): Promise<string> => itemAt((await letters()).filter(({ args }) => args?.[0]?.value === key), 0).id;
    await service.deadLetters.replay(queue, await letterOf('replayed'));
    await service.deadLetters.discard(queue, await letterOf('discarded'));
    const passed = itemAt(locks.filter(({ key }) => key?.endsWith(':passed') === true), 0).key;
    expect(await service.releaseUnique(passed ?? '', { by: 'ann', reason: 'it does not matter' })).toBe(true);
    await tasks.started.until(() => ['replayed', 'discarded', 'passed'].every((key) => tasks.values(key).at(-1) === 3), 20_000, () => 'all lines to go on');
    expect(['replayed', 'discarded', 'passed'].map((key) => tasks.values(key))).toEqual([[1, 2, 2, 3], [1, 2, 3], [1, 2, 3]]);
  });

  it.concurrent('go on behind one that has failed, was cancelled or has expired', async () => {
    const { service, tasks } = await start();
    for (const value of [1, 2, 3]) await service.publish('skips', 'a', value);
    await tasks.started.until(() => tasks.values('a').at(-1) === 3, 10_000, () => 'the third');
    const all = [];
    for (const value of [LONG, 2, 3, 4]) all.push(await service.publish({ name: 'book', args: [{ type: 'string', value: 'b' }, { type: 'int', value }], ...(value === 3 ? { expiresInSeconds: 0.05 } : {}) }));
    await itemAt(all, 1).cancel({ by: 'ann', reason: 'not needed' });
    // Until the third has expired.
    await pause(100);
    tasks.release.fire();
    await tasks.started.until(() => tasks.values('b').at(-1) === 4, 40_000, () => 'the fourth');
    expect(tasks.values('b')).toEqual([LONG, 4]);
  });

  it.concurrent('reject what no queue takes, and let the others pass', async () => {
    const { service, tasks } = await start();
    const to = (routingKey: string, value: number) => service.publish({ name: 'book', args: [{ type: 'string', value: 'c' }, { type: 'int', value }], routingKey });
    await expect(to('nowhere', 1)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_UNROUTABLE' });
    await to('key', 2);
    await tasks.started.count(1);
    expect(tasks.values('c')).toEqual([2]);
  });
});

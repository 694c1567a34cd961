import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Task, TaskContext, type DebounceOptions, type ServerConfig, type TaskInput, type ThrottleOptions } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { startOn } from '../support/nest-on-broker.js';
import { itemAt } from '../support/present.js';
import { RedisServer } from '../support/redis.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { onTestFinished } from '../support/test-end.js';
import { Arrivals, eventually } from '../support/wait.js';

@Injectable()
class Tasks {
  readonly ran = new Arrivals<readonly [key: string, value: number, at: number]>();
  @Task('index', { retry: { attempts: 2, delaySeconds: 0.2, backoff: 'fixed', jitter: 0 } }) index(key: string, value: number, @TaskContext() { attempt }: TaskContext): number {
    this.ran.add([key, value, Date.now()]);
    if (key === 'flaky' && attempt === 1) throw new Error('once');
    return value;
  }
  values(key: string): number[] {
    return this.ran.all.filter(([one]) => one === key).map(([, value]) => value);
  }
}

let redis: RedisServer;
beforeAll(async () => { redis = await RedisServer.start(); });
afterAll(() => redis.stop());

const index = (key: string, value: number, more: Partial<TaskInput>): TaskInput => ({ name: 'index', args: [{ type: 'string', value: key }, { type: 'int', value }], ...more });
const debounce: DebounceOptions = { waitSeconds: 0.7, by: '0' };
/** Longer than two publishes take on a machine with much other work. */
const long: DebounceOptions = { waitSeconds: 4, by: '0' };
const throttle: ThrottleOptions = { windowSeconds: 0.7, by: '0' };
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

describe.concurrent.each([
  ['embedded:', () => ({ broker: 'embedded:' })],
  ['RabbitMQ and Redis', () => ({ broker: sharedRabbitMqUrl(), resultBackend: redis.url })],
  ['RabbitMQ alone', () => ({ broker: sharedRabbitMqUrl() })],
  ['Redis alone', () => ({ broker: redis.url })],
])('tasks that share a window on %s', (name, kept) => {
  async function start() {
    const exchange = uniqueName('edges');
    if (name.startsWith('RabbitMQ')) onTestFinished(() => removeExchange(sharedRabbitMqUrl(), exchange, [`${exchange}.q`]));
    const config: ServerConfig = { exchange, defaultRoutingKey: 'key', ...kept() };
    const { app, service } = await startOn({ ...config, workers: [{ name: 'w', queue: `${exchange}.q`, bindingKeys: ['key'] }] }, { providers: [Tasks] });
    // In memory only one dispatcher can share it.
    const others = name === 'embedded:' ? [service] : [service, (await startOn({ ...config, role: 'publisher' })).service];
    return { service, others, tasks: app.get(Tasks) };
  }

  it.concurrent('run once for a burst from several processes, with what was published last', async () => {
    const { others, tasks } = await start();
    const published = await Promise.all(Array.from({ length: 200 }, (_, value) => itemAt(others, value % others.length).publish(index('burst', value, { debounce }))));
    const last = await itemAt(others, 0).publish(index('burst', 1_000, { debounce }));
    await tasks.ran.until(() => tasks.values('burst').at(-1) === 1_000, 20_000, () => 'the last');
    // One, where the machine is not so busy that publishing takes longer than the window.
    const taken = [...published, last].filter(({ edge }) => edge?.taken === true);
    expect(tasks.values('burst')).toHaveLength(taken.length);
    expect(taken.length).toBeLessThan(10);
    expect(new Set([...published, last].map(({ uuid }) => uuid))).toEqual(new Set(taken.map(({ uuid }) => uuid)));
  });

  it.concurrent('are put off by each that comes, up to maxWaitSeconds', async () => {
    const { service, tasks } = await start();
    const from = Date.now();
    for (let value = 0; tasks.ran.all.length < 2 && value < 200; value++) {
      await service.publish(index('a', value, { debounce: { waitSeconds: 2, maxWaitSeconds: 3, by: '0' } }));
      if (value < 3) await service.publish(index('b', value, { debounce: { waitSeconds: 2, by: '0' } }));
      await pause(100);
    }
    const at = (key: string): number => itemAt(tasks.ran.all.filter(([one]) => one === key), 0)[2] - from;
    expect(tasks.values('b').at(-1)).toBe(2);
    expect(at('b')).toBeGreaterThanOrEqual(2_100);
    expect(at('a')).toBeGreaterThanOrEqual(2_900);
    // Ten times its wait is far from being put off for ever.
    expect(at('a')).toBeLessThan(20_000);
  });

  it.concurrent('start at most once in a window: the first, and the last of those that came meanwhile', async () => {
    const { others, tasks } = await start();
    const from = Date.now();
    for (let value = 0; value < 20; value++) {
      await itemAt(others, value % others.length).publish(index('t', value, { throttle }));
      await pause(100);
    }
    await tasks.ran.until(() => tasks.values('t').at(-1) === 19, 10_000, () => 'the last');
    const values = tasks.values('t');
    expect(values[0]).toBe(0);
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(values.length).toBeLessThanOrEqual(2 + (Date.now() - from) / 700);
  });

  it.concurrent('give one result to all, and have the newest arguments at a retry; large ones take the place of those that wait', async () => {
    const { service, tasks } = await start();
    const flaky = [await service.publish(index('flaky', 1, { debounce: long, result: true })), await service.publish(index('flaky', 2, { debounce: long, result: true }))];
    expect(await Promise.all(flaky.map((published) => published.result()))).toEqual([2, 2]);
    expect(tasks.values('flaky')).toEqual([2, 2]);
    const large = (value: number): TaskInput => index('x'.repeat(70_000), value, { debounce: { ...long, by: () => 'large' }, result: true });
    const [first, second] = [await service.publish(large(1)), await service.publish(large(2))];
    expect([first.edge, second.edge]).toMatchObject([{ taken: true, as: 'trailing' }, { taken: true, as: 'trailing' }]);
    await expect(first.result()).rejects.toMatchObject({ message: expect.stringContaining(`Task ${second.uuid} of the same key was published later, and has taken its place`) as string });
    expect(await second.result()).toBe(2);
  });

  it.concurrent('leave nothing behind when they cannot be published, now or when they are due', async () => {
    const { service } = await start();
    for (let tries = 0; tries < 2; tries++) await expect(service.publish(index('no', 1, { throttle, routingKey: 'nowhere' }))).rejects.toMatchObject({ code: 'ERR_DISPATCHER_UNROUTABLE' });
    expect((await service.publish(index('no', 2, { throttle }))).edge).toEqual({ taken: true, as: 'leading' });
    const lost = await service.publish(index('late', 1, { debounce, routingKey: 'nowhere', result: true }));
    await expect(lost.result()).rejects.toThrow('could not be delivered');
    // The result is told first, then the key is freed.
    await eventually(() => service.publish(index('late', 2, { debounce })), ({ edge }) => edge?.taken === true, 'the key to be free');
  });

  it.concurrent('are shown, as long as one waits', async () => {
    const { service, tasks } = await start();
    const first = await service.publish(index('seen', 1, { debounce: long }));
    await service.publish(index('seen', 2, { debounce: long }));
    expect(await service.inspect.locks({ name: 'index' })).toMatchObject([{ kind: 'window', name: 'index', state: 'waiting', absorbed: 1, holders: [{ uuid: first.uuid }] }]);
    await tasks.ran.count(1);
    expect(await service.inspect.locks({ name: 'index' })).toEqual([]);
  });
});

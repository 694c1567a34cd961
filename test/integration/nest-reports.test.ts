import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { currentTask, DispatcherModule, DispatcherService, GiveUp, Task, TaskContext, TaskFailedError, type Report, type ServerConfig } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { isRabbitMq } from '../support/nest-on-broker.js';
import { MemcachedServer } from '../support/memcached.js';
import { RedisServer } from '../support/redis.js';
import { sharedRabbitMqUrl, uniqueName, withChannel } from '../support/shared-rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { Arrivals, emission, Signal } from '../support/wait.js';

@Injectable()
class Tasks {
  released = new Signal();
  fails = true;

  @Task('add') add(a: number, b: number): number { return a + b; }
  @Task('steps')
  async steps(count: number, @TaskContext() context: TaskContext): Promise<string> {
    for (let i = 1; i <= count; i++) {
      context.progress(i / count, { row: i });
      if (i === count / 2) await this.released.promise;
    }
    return 'done';
  }
  @Task('flaky', { retry: { attempts: 2, delaySeconds: 0.05, backoff: 'fixed' } })
  flaky(): string {
    if (currentTask()?.attempt === 1) throw new RangeError('not yet');
    return 'at last';
  }
  @Task('bad') bad(): Promise<never> { return Promise.reject(new GiveUp('too far') as unknown as Error); }
  @Task('mended') mended(): string {
    if (this.fails) throw new Error('broken');
    return 'mended';
  }
  @Task('slow', { timeoutSeconds: 0.1 }) slow(): Promise<void> { return this.released.promise; }
  @Task('wild_progress') wildProgress(@TaskContext() context: TaskContext): void { context.progress(1.5); }
}

let redis: RedisServer;
let memcached: MemcachedServer;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => { [redis, memcached] = await Promise.all([RedisServer.start(), MemcachedServer.start()]); });
afterAll(async () => { await Promise.all([redis.stop(), memcached.stop()]); });
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close(); });

interface Started { service: DispatcherService; tasks: Tasks; exchange: string }

async function start(config: Partial<ServerConfig>, exchange = uniqueName('reports')): Promise<Started> {
  const onRabbitMq = isRabbitMq(config);
  if (onRabbitMq) closing.push(() => removeExchange(sharedRabbitMqUrl(), exchange, [`${exchange}.q`]));
  const module = await Test.createTestingModule({
    imports: [DispatcherModule.forRoot({
      exchange, defaultRoutingKey: 'key', logger: new KeptLog(), workers: [{ name: 'w', queue: `${exchange}.q`, bindingKeys: ['key'], limit: 50 }], ...config,
    })],
    providers: [Tasks],
  }).compile();
  const app = await module.init();
  closing.push(() => app.close());
  return { service: app.get(DispatcherService), tasks: app.get(Tasks), exchange };
}

const all = (reports: ReturnType<DispatcherService['call']>): Promise<Report[]> => lastValueFrom(reports.pipe(toArray()));
const statesOf = (reports: readonly Report[]): string[] => reports.map(({ state }) => state);

const WAYS: [string, () => Partial<ServerConfig>][] = [
  ['RabbitMQ, by replies', () => ({ broker: sharedRabbitMqUrl() })],
  ['RabbitMQ, by Redis', () => ({ broker: sharedRabbitMqUrl(), resultBackend: redis.url })],
  ['an embedded broker, by its own store', () => ({ broker: 'embedded:' })],
  ['an embedded broker, by memcached', () => ({ broker: 'embedded:', resultBackend: memcached.url })],
];

describe.each(WAYS)('reports on %s', (_way, config) => {
  it('tell the story of a call, the value with its end', async () => {
    const { service } = await start(config());
    const reports = await all(service.call<number>('add', 1, 2));
    expect(statesOf(reports)).toEqual(['published', 'received', 'started', 'succeeded']);
    expect(reports.at(-1)).toMatchObject({ name: 'add', final: true, value: 3, worker: 'w', attempt: 1 });
    expect(new Set(reports.map(({ uuid }) => uuid)).size).toBe(1);
    expect(statesOf(await all(service.call('flaky')))).toEqual(
      ['published', 'received', 'started', 'retrying', 'received', 'started', 'succeeded']);
  });

  it('tell a failure as a final report and then as an error', async () => {
    const { service } = await start(config());
    const seen: Report[] = [];
    await expect(lastValueFrom(service.call('bad'))).rejects.toBeInstanceOf(TaskFailedError);
    const error = await new Promise((resolve) => { service.call('bad').subscribe({ next: (report) => seen.push(report), error: resolve }); });
    expect(error).toMatchObject({ code: 'ERR_DISPATCHER_TASK_FAILED', fields: { state: 'failed' } });
    expect(seen.at(-1)).toMatchObject({ state: 'failed', final: true, error: { message: 'too far' } });
    const late = await new Promise<Report[]>((resolve) => {
      const reports: Report[] = [];
      service.call('slow').subscribe({ next: (report) => reports.push(report), error: () => resolve(reports) });
    });
    expect(statesOf(late).at(-1)).toBe('timedOut');
  });

  it('tell of progress, the latest now and then, and the last before the end', async () => {
    const { service, tasks } = await start(config());
    const seen = new Arrivals<Report>();
    const ended = new Signal();
    service.call('steps', 100_000).subscribe({ next: seen.add, complete: () => ended.fire(), error: (error: Error) => ended.fail(error) });
    const half = await seen.first(({ state }) => state === 'progress', 'progress');
    expect(half).toMatchObject({ fraction: 0.5, data: { row: 50_000 } });
    tasks.released.fire();
    await ended.within(20_000, 'the end');
    const fractions = seen.all.filter(({ state }) => state === 'progress').map(({ fraction }) => fraction);
    expect(fractions.at(-1)).toBe(1);
    expect(fractions.length).toBeLessThan(50);
    await expect(lastValueFrom(service.call('wild_progress'))).rejects.toThrow(/progress\(.*\) is not a fraction/);
  });

  it('of a task that came too late say that it expired', async () => {
    const { service, exchange } = await start(config());
    await service.worker('w').close();
    const sent = await service.publish({ name: 'add', result: true, expiresInSeconds: 0.05 });
    const end = all(sent.reports()).catch((error: unknown) => error);
    const over = emission(service.events({ type: 'task.expired' }), () => true, 'its expiry');
    await new Promise((resolve) => { setTimeout(resolve, 60); });
    await service.worker('w').start();
    await over;
    expect(await end).toMatchObject({ fields: { state: 'expired' }, cause: { code: 'ERR_DISPATCHER_EXPIRED' } });
    expect(await service.depth(`${exchange}.q`)).toBe(0);
  });

  it('of a replayed dead letter begin anew, and its result is that of the replay', async () => {
    const { service, tasks, exchange } = await start(config());
    const sent = await service.publish({ name: 'mended', result: true, delaySeconds: 0.05 });
    await expect(sent.result()).rejects.toThrow(/broken/);
    tasks.fails = false;
    const reports = new Arrivals<Report>();
    const { letters } = await service.deadLetters.list(`${exchange}.q`);
    await service.deadLetters.replay(`${exchange}.q`, letters[0]?.id ?? '');
    await expect.poll(() => service.task(sent.uuid).state().then((state) => state?.state), { timeout: 20_000 }).toBe('succeeded');
    expect(await service.task<string>(sent.uuid).result()).toBe('mended');
    service.task(sent.uuid).reports().subscribe(reports.add);
    await reports.first(({ final, state }) => final && state === 'succeeded', 'the end of the replay');
    expect(reports.all.filter(({ replayed }) => replayed)).toHaveLength(1);
  });

  it('end with the dispatcher for whoever waits', async () => {
    const { service } = await start(config());
    await service.worker('w').close();
    const sent = await service.publish({ name: 'add', result: true });
    const waits = [sent.result(), all(sent.reports())].map((wait) => wait.catch((error: unknown) => error));
    await firstValueFrom(sent.reports().pipe(take(1)));
    await service.close();
    expect(await Promise.all(waits)).toMatchObject([{ code: 'ERR_DISPATCHER_SHUTDOWN' }, { code: 'ERR_DISPATCHER_SHUTDOWN' }]);
  });
});

describe('results of an embedded folder', () => {
  it('can be read by whoever has the folder, with nothing configured', async () => {
    const folder = temporaryFolder('reports');
    closing.push(() => Promise.resolve(removeFolder(folder)));
    const one = await start({ broker: `embedded:${folder}` });
    const other = await start({ broker: `embedded:${folder}`, role: 'publisher' }, one.exchange);
    const sent = await other.service.publish({ name: 'add', args: [{ type: 'int', value: 1 }, { type: 'int', value: 2 }], result: true });
    expect([await sent.result(), await one.service.task(sent.uuid).result()]).toEqual([3, 3]);
  });
});

describe('replies over RabbitMQ', () => {
  it('are known to the process that asked, and to no other', async () => {
    const { service, exchange } = await start({ broker: sharedRabbitMqUrl() });
    await service.publish('add', 1, 2);
    const reply = async (): Promise<string> => {
      const sent = await service.publish({ name: 'add', args: [{ type: 'int', value: 1 }, { type: 'int', value: 1 }], result: true, headers: { 'x-own': 'kept' } });
      await sent.result();
      return sent.uuid;
    };
    const other = await start({ broker: sharedRabbitMqUrl(), workers: [{ name: 'watcher', queue: `${exchange}.watched`, bindingKeys: ['watched'], tasks: ['add'] }] }, exchange);
    const uuid = await reply();
    await reply();
    expect(() => other.service.task(uuid)).toThrow(/configure a store in all of them: resultBackend/);
    expect(await service.task(uuid).result()).toBe(2);
    await withChannel(sharedRabbitMqUrl(), (channel) => channel.deleteQueue(`${exchange}.watched`));
    await withChannel(sharedRabbitMqUrl(), (channel) => channel.deleteQueue(`${exchange}.watched.dead`));
  });

  it('ask for all where the configuration says so, and where the handler here says so', async () => {
    const { service } = await start({ broker: sharedRabbitMqUrl(), results: 'all', resultBackend: 'amqp' });
    expect(await (await service.publish('add', 2, 2)).result()).toBe(4);
    expect(await (await service.client(Tasks).add(2, 3)).result()).toBe(5);
    const outcomes = await service.publishMany([{ name: 'add', args: [{ type: 'int', value: 5 }, { type: 'int', value: 6 }] }]);
    expect(outcomes[0]?.accepted === true && await service.task(outcomes[0].uuid).result()).toBe(11);
  });

  it('answer whoever names a queue in reply_to, in whatever language', async () => {
    const { exchange } = await start({ broker: sharedRabbitMqUrl() });
    const answers = new Arrivals<{ correlationId: unknown; body: unknown }>();
    await withChannel(sharedRabbitMqUrl(), async (channel) => {
      const { queue } = await channel.assertQueue('', { exclusive: true });
      await channel.consume(queue, (message) => {
        if (message !== null) answers.add({ correlationId: message.properties.correlationId, body: JSON.parse(message.content.toString()) });
      }, { noAck: true });
      channel.publish(exchange, 'key', Buffer.from('{"uuid":"foreign","name":"add","args":[{"type":"int","value":1},{"type":"int","value":2}]}'),
        { replyTo: queue, headers: { 'x-dispatcher-result': true } });
      await answers.count(1);
    });
    expect(answers.all[0]).toMatchObject({ correlationId: 'foreign', body: { v: 1, uuid: 'foreign', state: 'succeeded', outcome: { kind: 'value', value: 3 } } });
  });

  it('are dropped when nobody listens any more, and the task is acknowledged all the same', async () => {
    const { service, exchange } = await start({ broker: sharedRabbitMqUrl() });
    const unheard = emission(service.events({ type: 'task.unheard' }), ({ task }) => task.uuid === 'orphan', 'the report that nobody hears');
    await withChannel(sharedRabbitMqUrl(), async (channel) => {
      channel.publish(exchange, 'key', Buffer.from('{"uuid":"orphan","name":"add","args":[{"type":"int","value":1},{"type":"int","value":2}]}'),
        { replyTo: `${exchange}.gone`, headers: { 'x-dispatcher-result': true } });
      await channel.waitForConfirms();
    });
    expect((await unheard).level).toBe('debug');
    await service.drain({ timeoutSeconds: 20 });
    await service.worker('w').close();
    expect(await service.depth(`${exchange}.q`)).toBe(0);
  });
});

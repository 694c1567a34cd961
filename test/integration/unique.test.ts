import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DispatcherModule, DispatcherService, Task, TaskContext, type ServerConfig, type UniqueOptions } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { itemAt } from '../support/present.js';
import { RedisServer } from '../support/redis.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { onTestFinished } from '../support/test-end.js';
import { Arrivals, eventually, Signal } from '../support/wait.js';

@Injectable()
class Tasks {
  readonly ran = new Arrivals<string>();
  release = new Signal();
  @Task('blocks', { unique: { scope: 'untilFinished', key: ([name]) => String(name) } }) async blocks(name: string): Promise<void> {
    this.ran.add(name);
    await this.release.promise;
  }
  @Task('flaky', { retry: { attempts: 2, delaySeconds: 3, backoff: 'fixed', jitter: 0 } }) flaky(text: string, @TaskContext() { attempt }: TaskContext): void {
    this.ran.add(text);
    if (attempt === 1) throw new Error('once');
  }
  @Task('bad') bad(): never { throw new Error('no'); }
}

let redis: RedisServer;
beforeAll(async () => { redis = await RedisServer.start(); });
afterAll(() => redis.stop());

/** Of tasks of which only what is needed is said. */
const text = (value: string) => [{ type: 'string' as const, value }];
const untilFinished: UniqueOptions = { scope: 'untilFinished' };

async function start(config: ServerConfig, worker = true) {
  const module = await Test.createTestingModule({
    imports: [DispatcherModule.forRoot({ logger: new KeptLog(), ...(worker ? { workers: [{ name: 'w', queue: `${config.exchange}.q`, bindingKeys: ['key'] }] } : {}), ...config })],
    providers: [Tasks],
  }).compile();
  const app = await module.init();
  onTestFinished(() => app.close());
  return { app, service: app.get(DispatcherService), tasks: app.get(Tasks) };
}

describe.concurrent.each([
  ['embedded:', () => ({ broker: 'embedded:' })],
  ['RabbitMQ and Redis', () => ({ broker: sharedRabbitMqUrl(), resultBackend: redis.url })],
  ['RabbitMQ alone', () => ({ broker: sharedRabbitMqUrl() })],
  ['Redis alone', () => ({ broker: redis.url })],
])('unique tasks on %s', (name, kept) => {
  function config(): ServerConfig {
    const exchange = uniqueName('unique');
    if (name.startsWith('RabbitMQ')) onTestFinished(() => removeExchange(sharedRabbitMqUrl(), exchange, [`${exchange}.q`]));
    return { exchange, defaultRoutingKey: 'key', ...kept() };
  }

  it('are taken once of a thousand at the same time, from several processes, and again after the end', async () => {
    const shared = config();
    const { service, tasks } = await start(shared);
    // In memory only one dispatcher can share it.
    const others = name === 'embedded:' ? [service] : [service, (await start({ ...shared, role: 'publisher' }, false)).service];
    const published = await Promise.all(Array.from({ length: 1000 }, (_, index) => itemAt(others, index % others.length)
      .publish({ name: 'blocks', args: text('a'), unique: { ...untilFinished, key: 'a' } })));
    const taken = published.filter(({ unique }) => unique?.taken === true);
    expect(taken).toHaveLength(1);
    expect(new Set(published.map(({ uuid }) => uuid))).toEqual(new Set(taken.map(({ uuid }) => uuid)));
    await tasks.ran.count(1);
    tasks.release.fire();
    await eventually(() => service.publish({ name: 'blocks', args: text('b'), unique: { ...untilFinished, key: 'a' } }), ({ unique }) => unique?.taken === true, 'the key to be free');
    await tasks.ran.count(2);
    expect(tasks.ran.all).toEqual(['a', 'b']);
  });

  it('as the decorator says: by publish, publishMany and the typed client, unless the publisher says otherwise', async () => {
    const { service, tasks } = await start(config());
    const first = await service.publish('blocks', 'a');
    expect(first.unique).toEqual({ taken: true });
    expect(await service.publishMany([{ name: 'blocks', args: text('a') }, { name: 'blocks', args: text('b') }])).toMatchObject([
      { accepted: true, uuid: first.uuid, unique: { taken: false, uuid: first.uuid, replaced: false } }, { accepted: true, unique: { taken: true } }]);
    expect((await service.client(Tasks).blocks('b')).unique).toMatchObject({ taken: false });
    expect((await service.publish({ name: 'blocks', args: text('a'), unique: false })).unique).toBeUndefined();
    await tasks.ran.count(3);
    tasks.release.fire();
  });

  it('hold their key until they start, until they end, or for a time', async () => {
    const { service, tasks } = await start(config());
    const started = await service.publish({ name: 'blocks', args: text('started'), unique: { scope: 'untilStarted' } });
    await tasks.ran.count(1);
    expect((await service.publish({ name: 'blocks', args: text('started'), unique: { scope: 'untilStarted' } })).unique).toEqual({ taken: true });
    await tasks.ran.count(2);
    tasks.release.fire();
    const window: UniqueOptions = { scope: 'window', seconds: 2 };
    const one = await service.publish({ name: 'blocks', args: text('window'), unique: window });
    await tasks.ran.count(3);
    expect((await service.publish({ name: 'blocks', args: text('window'), unique: window })).unique).toEqual({ taken: false, uuid: one.uuid, replaced: false });
    await eventually(() => service.publish({ name: 'blocks', args: text('window'), unique: window }), ({ unique }) => unique?.taken === true, 'the window to end');
    expect(started.uuid).not.toBe(one.uuid);
  });

  it('keep their key through a retry, and lose it as a dead letter', async () => {
    const { service, tasks } = await start(config());
    const flaky = await service.publish({ name: 'flaky', args: text('x'), unique: untilFinished });
    await tasks.ran.count(1);
    await eventually(() => service.publish({ name: 'flaky', args: text('x'), unique: untilFinished }).then((again) => [again, tasks.ran.all.length] as const), ([again, runs]) => {
      if (runs < 2) expect(again).toMatchObject({ uuid: flaky.uuid, unique: { taken: false } });
      return again.unique?.taken === true;
    }, 'its last attempt');
    const dead = new Arrivals<unknown>();
    service.events({ type: 'task.dead-lettered' }).subscribe((event) => dead.add(event));
    await service.publish({ name: 'bad', unique: untilFinished });
    await dead.count(1);
    expect((await service.publish({ name: 'bad', unique: untilFinished })).unique).toEqual({ taken: true });
    await dead.count(2);
  });

  it('start with the newest arguments, and retry with them', async () => {
    const { service, tasks } = await start(config());
    for (const scope of ['untilStarted', 'untilFinished'] as const) {
      const unique: UniqueOptions = { scope, key: scope, replaceArguments: true };
      const holder = await service.publish({ name: 'flaky', args: text('old'), unique, delaySeconds: 3 });
      await service.publish({ name: 'flaky', args: text('newer'), unique });
      expect((await service.publish({ name: 'flaky', args: text(`newest ${scope}`), unique })).unique).toEqual({ taken: false, uuid: holder.uuid, replaced: true });
    }
    await tasks.ran.count(4);
    expect([...tasks.ran.all].sort()).toEqual(['newest untilFinished', 'newest untilFinished', 'newest untilStarted', 'newest untilStarted']);
  });

  it('free their key when they cannot be published', async () => {
    const { service } = await start(config());
    const unroutable = { name: 'flaky', args: text('x'), unique: untilFinished, routingKey: 'nowhere' };
    for (let tries = 0; tries < 2; tries++) await expect(service.publish(unroutable)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_UNROUTABLE' });
    expect((await service.publish({ ...unroutable, routingKey: 'key' })).unique).toEqual({ taken: true });
  });
});

describe.concurrent('where what is shared cannot be reached', () => {
  it('publish rejects, and nothing is published', async () => {
    const server = await RedisServer.start();
    onTestFinished(() => server.stop());
    const { service, tasks } = await start({ exchange: uniqueName('unique'), defaultRoutingKey: 'key', broker: 'embedded:', resultBackend: server.url });
    await server.server.kill9();
    await expect(service.publish({ name: 'flaky', args: text('x'), unique: untilFinished })).rejects.toMatchObject({ retryable: true, code: expect.stringMatching(/RESULT_BACKEND/) as string });
    await service.publish({ name: 'flaky', args: text('plain') });
    await tasks.ran.count(1);
    expect(tasks.ran.all).toEqual(['plain']);
  });
});

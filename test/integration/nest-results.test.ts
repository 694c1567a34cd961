import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DispatcherModule, DispatcherService, Task, TaskFailedError, type ServerConfig } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { RedisServer } from '../support/redis.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';

@Injectable()
class Tasks {
  attempts = 0;
  @Task('add') add(a: number, b: number): number { return a + b; }
  @Task('big', { result: true }) big(): Promise<bigint> { return Promise.resolve(2n ** 63n); }
  @Task('circle') circle(): object {
    const circle: Record<string, unknown> = {};
    return Object.assign(circle, { circle });
  }
  @Task('flaky', { retry: { attempts: 3, delaySeconds: 0.05, backoff: 'fixed' } })
  flaky(): string {
    if (++this.attempts < 3) throw new RangeError(`not yet (${this.attempts})`);
    return 'at last';
  }
  @Task('bad') bad(): never { throw new RangeError('too far'); }
}

let redis: RedisServer;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => { redis = await RedisServer.start(); });
afterAll(() => redis.stop());
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close(); });

async function start(config: Partial<ServerConfig>, exchange = uniqueName('results')): Promise<DispatcherService> {
  const module = await Test.createTestingModule({
    imports: [DispatcherModule.forRoot({
      exchange, defaultRoutingKey: 'key', logger: new KeptLog(), workers: [{ name: 'w', queue: `${exchange}.q`, bindingKeys: ['key'] }], ...config,
    })],
    providers: [Tasks],
  }).compile();
  const app = await module.init();
  closing.push(() => app.close());
  return app.get(DispatcherService);
}

describe.each([['embedded:', () => 'embedded:'], ['RabbitMQ', () => sharedRabbitMqUrl()], ['Redis', () => redis.url]])('results on the broker %s', (name, broker) => {
  describe.each([['the default way', () => undefined], ['embedded:', () => 'embedded:'], ['Redis', () => redis.url]])('by %s', (_kept, resultBackend) => {
    async function dispatcher(config: Partial<ServerConfig> = {}): Promise<DispatcherService> {
      const exchange = uniqueName('results');
      if (name === 'RabbitMQ') closing.push(() => removeExchange(sharedRabbitMqUrl(), exchange));
      return start({ broker: broker(), resultBackend: resultBackend(), ...config }, exchange);
    }

    it('come back to the caller, lossless', async () => {
      const service = await dispatcher();
      const sum = await service.publish({ name: 'add', args: [{ type: 'int', value: 1 }, { type: 'int', value: 2 }], result: true });
      expect(await sum.result()).toBe(3);
      expect(await (await service.publish('big')).result()).toBe(2n ** 63n);
    });

    it('tell the whole story of a task that was retried', async () => {
      const service = await dispatcher({ results: 'all' });
      const { uuid } = await service.publish('flaky');
      expect(await service.task(uuid).result()).toBe('at last');
      const state = await service.task(uuid).state();
      expect(state).toMatchObject({ state: 'succeeded', attempt: 3, name: 'flaky' });
      expect(state?.timeline.map((entry) => entry.state)).toEqual([
        'published', 'received', 'started', 'retrying', 'received', 'started', 'retrying', 'received', 'started', 'succeeded']);
      expect(state?.timeline.slice(1).every(({ worker, at }) => worker === 'w' && at > 0)).toBe(true);
    });

    it('throw the handler\'s error, and say why a value could not be kept', async () => {
      const service = await dispatcher({ results: 'all' });
      const failure: unknown = await (await service.publish('bad')).result().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(TaskFailedError);
      expect(failure).toMatchObject({ fields: { state: 'failed', attempt: 1 }, cause: { name: 'RangeError', message: 'too far' } });
      await expect((await service.publish('circle')).result()).rejects.toThrow(/succeeded, but what it returned could not be kept/);
    });
  });
});

describe('without being asked for', () => {
  it('nothing is kept, and waiting ends with a clear error', async () => {
    const service = await start({ broker: 'embedded:', resultBackend: 'embedded:' });
    const sent = await service.publish('add', 1, 2);
    await expect(sent.result({ timeoutSeconds: 0.2 })).rejects.toMatchObject({ code: 'ERR_DISPATCHER_RESULT_WAIT_TIMEOUT' });
  });

  it('RabbitMQ tells at once that nobody will answer', async () => {
    const exchange = uniqueName('results');
    closing.push(() => removeExchange(sharedRabbitMqUrl(), exchange));
    const service = await start({ broker: sharedRabbitMqUrl() }, exchange);
    const sent = await service.publish('add', 1, 2);
    await expect(sent.result()).rejects.toMatchObject({ code: 'ERR_DISPATCHER_RESULT_NOT_ASKED' });
    expect(() => service.task(sent.uuid)).toThrow(/Nothing is known of task .* in this process.*resultBackend: 'redis/s);
  });

  it('a backend that cannot be is refused at the start', async () => {
    await expect(start({ broker: 'embedded:', resultBackend: 'amqp' })).rejects.toThrow(/broker is not RabbitMQ/);
    await expect(start({ broker: 'embedded:', resultBackend: 'mysql://x' })).rejects.toThrow(/no result backend for "mysql:"/);
  });
});

describe('while the result backend is away', () => {
  it('no task is acknowledged before its result is kept, and nothing is lost when it returns', async () => {
    const own = await RedisServer.start();
    closing.push(() => own.stop());
    const service = await start({ broker: 'embedded:', resultBackend: own.url, results: 'all' });
    await own.server.kill9();
    const sent = await Promise.all(Array.from({ length: 20 }, (_, i) => service.publish('add', i, 1)));
    await own.server.start();
    const results = await Promise.all(sent.map((one) => one.result({ timeoutSeconds: 50 })));
    expect(results).toEqual(sent.map((_, i) => i + 1));
  });
});

import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { createClient } from '@redis/client';
import { afterEach, describe, expect, it } from 'vitest';
import { currentTask, DispatcherModule, DispatcherService, Task, type DispatcherEvent, type ServerConfig } from '../../lib/index.js';
import { RedisServer } from '../support/redis.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { Arrivals, pause, Signal } from '../support/wait.js';

@Injectable()
class Tasks {
  readonly started = new Arrivals<string>();
  readonly ended = new Arrivals<string>();
  readonly attempts: (number | undefined)[] = [];
  readonly release = new Signal();
  readonly most = new Map<string, number>();
  private readonly running = new Map<string, number>();

  @Task('narrow', { limits: { process: 2 } }) narrow(): Promise<void> { return this.work('narrow'); }
  @Task('by_customer', { limits: { perKey: { key: ([customer]) => String(customer), process: 1 } } }) byCustomer(customer: string): Promise<void> { return this.work(customer); }
  @Task('single', { limits: { global: 1 } }) single(): Promise<void> { return this.work('single'); }
  @Task('free') free(): void { this.ended.add('free'); }

  private async work(key: string): Promise<void> {
    const now = (this.running.get(key) ?? 0) + 1;
    this.running.set(key, now);
    this.most.set(key, Math.max(now, this.most.get(key) ?? 0));
    this.attempts.push(currentTask()?.attempt);
    this.started.add(key);
    await this.release.promise;
    await new Promise((resolve) => { setImmediate(resolve); });
    this.running.set(key, (this.running.get(key) ?? 0) - 1);
    this.ended.add(key);
  }
}

const clean: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const step of clean.splice(0).reverse()) await step();
});

async function start(broker: string, config: Partial<ServerConfig> = {}) {
  const exchange = uniqueName('limits');
  const queues = [`${exchange}.a`, `${exchange}.b`];
  if (broker.startsWith('amqp')) clean.push(() => removeExchange(sharedRabbitMqUrl(), exchange, queues));
  const module = await Test.createTestingModule({
    imports: [DispatcherModule.forRoot({
      broker, exchange, defaultRoutingKey: 'a', logger: new KeptLog(), shutdownTimeoutSeconds: 5, ...config,
      workers: queues.map((queue) => ({ name: queue, queue, bindingKeys: [queue.slice(-1)], limit: 4 })),
    })],
    providers: [Tasks],
  }).compile();
  const app = await module.init();
  clean.push(() => app.close());
  return { service: app.get(DispatcherService), tasks: app.get(Tasks) };
}

describe.each([['embedded', () => 'embedded:'], ['amqp', sharedRabbitMqUrl]])('limits on %s', (_, brokerUrl) => {
  it('run no more of a name at once than its limit, over all workers, and let others pass', async () => {
    const { service, tasks } = await start(brokerUrl());
    const returned = new Arrivals<DispatcherEvent>();
    service.events().subscribe((event) => { if (event.type === 'task.returned') returned.add(event); });
    await service.publishMany(Array.from({ length: 10 }, (__, index) => ({ name: 'narrow', routingKey: index % 2 === 0 ? 'a' : 'b' })));
    await tasks.started.count(2);
    await returned.count(8);
    await service.publishMany([{ name: 'free', routingKey: 'a' }, { name: 'free', routingKey: 'b' }]);
    await tasks.ended.count(2);
    expect(tasks.ended.all).toEqual(['free', 'free']);
    expect(tasks.started.all).toHaveLength(2);
    tasks.release.fire();
    await tasks.ended.count(12);
    expect(tasks.most.get('narrow')).toBe(2);
    expect(new Set(tasks.attempts)).toEqual(new Set([1]));
  });

  it('run one at a time of each key', async () => {
    const { service, tasks } = await start(brokerUrl());
    await service.publishMany(['x', 'y', 'x', 'y', 'x'].map((customer) => ({ name: 'by_customer', args: [{ type: 'string' as const, value: customer }] })));
    expect([...await tasks.started.count(2)].sort()).toEqual(['x', 'y']);
    tasks.release.fire();
    await tasks.ended.count(5);
    expect([tasks.most.get('x'), tasks.most.get('y')]).toEqual([1, 1]);
  });
});

describe('ten thousand that wait for a place', () => {
  it('ask neither the broker nor the store more often than they may be let in', async () => {
    const redis = await RedisServer.start();
    clean.push(() => redis.stop());
    const { service, tasks } = await start('embedded:', { resultBackend: redis.url });
    let returned = 0;
    const all = new Signal();
    service.events().subscribe(({ type }) => { if (type === 'task.returned' && ++returned === 10_000) all.fire(); });
    await service.publish('single');
    await tasks.started.count(1);
    const before = await commands(redis.url);
    const begun = performance.now();
    await service.publishMany(Array.from({ length: 10_000 }, () => ({ name: 'single' })));
    await all.within(60_000, 'all of them to be told to wait');
    // Most of them have their turn half a minute away or more; nobody spins meanwhile.
    await service.publish('free');
    await tasks.ended.first((name) => name === 'free', 'a neighbour');
    await pause(3_000);
    const seconds = (performance.now() - begun) / 1000;
    expect(returned - 10_000).toBeLessThan(50 * seconds);
    expect(await commands(redis.url) - before).toBeLessThan(50 + 20 * seconds);
    expect(tasks.started.all).toEqual(['single']);
    tasks.release.fire();
  });
});

/** How many commands the server has carried out. */
async function commands(url: string): Promise<number> {
  const client = await createClient({ url }).connect();
  const info = await client.info('stats');
  client.destroy();
  return Number(/total_commands_processed:(\d+)/.exec(info)?.[1]);
}

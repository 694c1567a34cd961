import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  ConfigurationError, currentTask, DispatcherModule, DispatcherService, InvalidTaskError, ShutdownError, Task,
  type DispatcherEvent, type ServerConfig, type TaskArgument,
} from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { sharedRabbitMqUrl, uniqueName, withChannel } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { Arrivals, emission, Signal } from '../support/wait.js';

/** The tests of gofort/dispatcher itself, one by one, on a real RabbitMQ and through the module. */

interface Ran { task: string; args: unknown[] }

@Injectable()
class Tasks {
  readonly ran = new Arrivals<Ran>();
  readonly release = new Signal();

  @Task('task_1') task1(...args: unknown[]): void { this.ran.add({ task: 'task_1', args }); }
  @Task('task_with_uuid', { taskUuidAsFirstArg: true }) withUuid(...args: unknown[]): void { this.ran.add({ task: 'task_with_uuid', args }); }
  /** Outlives its timeout until the test lets it end. */
  @Task('outliving', { timeoutSeconds: 0.1 })
  async outliving(): Promise<void> {
    this.ran.add({ task: 'outliving', args: [] });
    await this.release.promise;
  }
  @Task('whose_task') whose(): void { this.ran.add({ task: 'whose_task', args: [currentTask()?.worker] }); }
}

/** The values of Go's own test of every type. */
const ALL_TYPES: TaskArgument[] = [
  { type: 'bool', value: true }, { type: 'string', value: 'test' },
  { type: 'int', value: 1 }, { type: 'int8', value: 127 }, { type: 'int16', value: -32768 }, { type: 'int32', value: 2147483647 },
  { type: 'int64', value: -9223372036854775808n }, { type: 'uint', value: 1 }, { type: 'uint8', value: 255 }, { type: 'uint16', value: 65535 },
  { type: 'uint32', value: 4294967295 }, { type: 'uint64', value: 18446744073709551615n }, { type: 'float32', value: 1.5 }, { type: 'float64', value: 0.1 },
];

const clean: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const step of clean.splice(0).reverse()) await step();
});

type Names = { exchange: string; queue: string };

/** Names of this test's own, removed after it. */
function names(): Names {
  const exchange = uniqueName('gofort');
  const queue = `${exchange}.q`;
  clean.push(() => removeExchange(sharedRabbitMqUrl(), exchange, [queue]));
  return { exchange, queue };
}

/** As the bootstrap of Go's tests: one queue on two keys, no worker yet. */
async function start({ exchange, queue }: Names, config: Partial<ServerConfig> = {}) {
  const log = new KeptLog();
  const module = await Test.createTestingModule({
    imports: [DispatcherModule.forRoot({
      broker: sharedRabbitMqUrl(), exchange, defaultRoutingKey: 'key_1', logger: log, shutdownTimeoutSeconds: 10,
      initQueues: [{ name: queue, bindingKeys: ['key_1', 'key_2'], type: 'server-default' }], reconnectionRetries: 25, reconnectionIntervalSeconds: 0.1, ...config,
    })],
    providers: [Tasks],
  }).compile();
  const app = await module.init();
  clean.push(() => app.close());
  return { app, service: app.get(DispatcherService), tasks: app.get(Tasks), log };
}

async function startWorking(own = names(), config: Partial<ServerConfig> = {}, unknownTaskGraceSeconds = 0) {
  const started = await start(own, { ...config, workers: [{ name: 'worker_1', queue: own.queue, type: 'server-default', limit: 1, unknownTaskGraceSeconds }] });
  return { ...started, ...own };
}

function startFailure(config: Partial<ServerConfig>): Promise<unknown> {
  return start(names(), config).then(() => { throw new Error('it started'); }, (error: unknown) => error);
}

async function takeOne(queue: string) {
  return withChannel(sharedRabbitMqUrl(), (channel) => channel.get(queue, { noAck: true }));
}

function event(service: DispatcherService, type: DispatcherEvent['type']): Promise<DispatcherEvent> {
  return emission(service.events(), (one) => one.type === type, type);
}

describe('publishing', () => {
  it('is confirmed, and what travels is what Go sends', async () => {
    const own = names();
    const { service } = await start(own);
    const { uuid } = await service.publish({ name: 'task_1', args: [{ type: 'string', value: 'simple string' }, { type: 'int', value: 1 }], headers: { tenant: 'a' } });
    const message = await takeOne(own.queue);
    if (message === false) throw new Error('the queue is empty');
    expect(JSON.parse(message.content.toString())).toEqual(
      { uuid, name: 'task_1', args: [{ type: 'string', value: 'simple string' }, { type: 'int', value: 1 }] });
    expect(message.properties).toMatchObject({ contentType: 'application/json', deliveryMode: 2, headers: { tenant: 'a' } });
  });

  it('is refused without a name', async () => {
    const { service } = await start(names());
    await expect(service.publish({ name: '' })).rejects.toThrow(InvalidTaskError);
    await expect(service.publish('')).rejects.toThrow(/needs a name/);
  });

  it('is refused after closing', async () => {
    const { service } = await start(names());
    await service.close();
    await expect(service.publish('task_1')).rejects.toThrow(ShutdownError);
  });
});

describe('starting', () => {
  it.each([
    ['an empty queue name', { initQueues: [{ name: '', bindingKeys: ['key_1'] }] }, /initQueues\[0\]\.name is required/],
    ['an empty binding key', { initQueues: [{ name: 'q', bindingKeys: [''] }] }, /initQueues\[0\]\.bindingKeys\[0\] is required/],
    ['a binding key without an exchange', { exchange: '', initQueues: [{ name: 'q', bindingKeys: ['key_1'] }] }, /exchange is required/],
    ['no default routing key', { defaultRoutingKey: '' }, /defaultRoutingKey is required/],
  ])('is refused for %s', async (_, config, text) => {
    const error = await startFailure(config);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toMatch(text);
  });

  it('declares the exchange and a queue whose two bound keys deliver', async () => {
    const own = names();
    const { service } = await start(own);
    for (const routingKey of ['key_1', 'key_2']) {
      const { uuid } = await service.publish({ name: 'task_1', routingKey });
      const message = await takeOne(own.queue);
      expect(message && message.properties.messageId).toBe(uuid);
    }
    await withChannel(sharedRabbitMqUrl(), async (channel) => {
      // As Go declares them: other properties would be refused.
      await channel.assertExchange(own.exchange, 'direct', { durable: true });
      await channel.assertQueue(own.queue, { durable: true });
    });
  });
});

describe('workers', () => {
  it('are refused under a name that is taken', async () => {
    const own = names();
    const { service } = await start(own);
    const first = await service.createWorker({ name: 'worker_1', queue: own.queue });
    await expect(service.createWorker({ name: 'worker_1', queue: own.queue })).rejects.toThrow(/There is a worker "worker_1" already/);
    expect(service.worker('worker_1')).toBe(first);
  });

  it('are not found under an unknown name, and the error lists the known ones', async () => {
    const own = names();
    const { service } = await start(own);
    await service.createWorker({ name: 'worker_1', queue: own.queue });
    expect(() => service.worker('worker_2')).toThrow(/no worker "worker_2".*Known workers: worker_1/);
  });

  it.each([
    ['a queue', { name: 'worker_1', queue: '' }, /queue is required/],
    ['a name', { name: '', queue: 'q' }, /name is required/],
  ])('are refused without %s', async (_, config, text) => {
    const { service } = await start(names());
    const refused = service.createWorker(config);
    await expect(refused).rejects.toThrow(ConfigurationError);
    await expect(refused).rejects.toThrow(text);
  });

  it('are declared when created, and consume only when started', async () => {
    const own = names();
    const { service, tasks } = await start(own);
    const worker = await service.createWorker({ name: 'worker_1', queue: own.queue, bindingKeys: ['key_3'] });
    await service.publish({ name: 'whose_task', routingKey: 'key_3' });
    expect(tasks.ran.all).toEqual([]);
    await worker.start();
    expect(await tasks.ran.count(1)).toEqual([{ task: 'whose_task', args: ['worker_1'] }]);
  });

  it('come back by themselves when the connection is closed under them', async () => {
    const { proxy, url } = await TcpProxy.before(sharedRabbitMqUrl());
    clean.push(() => proxy.close());
    const { service, tasks } = await startWorking(names(), { broker: url });
    await service.publish('task_1', 'before');
    await tasks.ran.count(1);
    const connected = event(service, 'broker.connected');
    const restored = event(service, 'broker.consumer-restored');
    proxy.resetAll();
    await Promise.all([connected, restored]);
    await service.publish('task_1', 'after');
    await tasks.ran.first(({ args }) => args[0] === 'after', 'the task after the reconnect');
  });

  it('close twice, and start again', async () => {
    const { service, tasks } = await startWorking();
    const worker = service.worker('worker_1');
    await worker.close();
    await worker.close();
    await service.publish('task_1', 'waits');
    await worker.start();
    expect(await tasks.ran.count(1)).toEqual([{ task: 'task_1', args: ['waits'] }]);
  });
});

describe('tasks', () => {
  it('get the uuid first where they ask for it', async () => {
    const { service, tasks } = await startWorking();
    const { uuid } = await service.publish('task_with_uuid', 'argument');
    expect(await tasks.ran.count(1)).toEqual([{ task: 'task_with_uuid', args: [uuid, 'argument'] }]);
  });

  it('get all fourteen types as they were sent', async () => {
    const { service, tasks } = await startWorking();
    await service.publish({ name: 'task_1', args: ALL_TYPES });
    expect(await tasks.ran.count(1)).toEqual([{ task: 'task_1', args: ALL_TYPES.map(({ value }) => value) }]);
  });

  it('that outlive their timeout do not hold the slot', async () => {
    // The only slot: `limit` is 1.
    const { service, tasks } = await startWorking();
    await service.publish('outliving');
    await tasks.ran.count(1);
    await service.publish('task_1', 'meanwhile');
    expect(await tasks.ran.count(2)).toEqual([{ task: 'outliving', args: [] }, { task: 'task_1', args: ['meanwhile'] }]);
    const endedLate = event(service, 'task.ended-late');
    tasks.release.fire();
    await endedLate;
  });

  it('run after a body that is not JSON, and one that nobody registered', async () => {
    const { service, tasks, queue } = await startWorking();
    const dead = new Arrivals<string>();
    service.events().subscribe((one) => { if (one.type === 'task.dead-lettered') dead.add(one.reason); });
    await withChannel(sharedRabbitMqUrl(), async (channel) => {
      channel.sendToQueue(queue, Buffer.from('not json'));
      await channel.waitForConfirms();
    });
    await service.publish('nobody_registered_it');
    await service.publish('task_1', 'after');
    expect(await tasks.ran.count(1)).toEqual([{ task: 'task_1', args: ['after'] }]);
    expect((await dead.count(2)).sort()).toEqual(['invalid-body', 'unknown-task']);
  });
});

describe('closing', () => {
  it('twice is harmless', async () => {
    const { app, service } = await startWorking();
    await Promise.all([service.close(), service.close()]);
    await service.close();
    await app.close();
    expect(service.health().status).toBe('down');
  });
});

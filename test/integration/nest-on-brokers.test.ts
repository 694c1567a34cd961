import { Injectable, Scope, type OnModuleDestroy } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { gofortFormat } from '../../lib/formats/gofort.js';
import {
  currentTask, DispatcherModule, DispatcherService, ShutdownError, Task, TaskContext, UnroutableTaskError,
  type DispatcherEvent, type ServerConfig, type TaskArgument, type TaskHeaders,
} from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { redisBroker } from '../support/nest-on-broker.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { Arrivals, emission, eventually, Signal } from '../support/wait.js';

interface Ran { task: string; args: unknown[]; uuid: string | undefined; headers: Readonly<TaskHeaders> }

@Injectable()
class Tasks implements OnModuleDestroy {
  readonly ran = new Arrivals<Ran>();
  readonly slowStarted = new Signal();
  readonly slowRelease = new Signal();
  readonly lines: string[] = [];
  constructor(private readonly dispatcher: DispatcherService) {}

  @Task('task_1') task1(...args: unknown[]): void { this.note('task_1', args); }
  @Task('with_uuid', { taskUuidAsFirstArg: true }) withUuid(...args: unknown[]): void { this.note('with_uuid', args); }
  @Task('too_slow', { timeoutSeconds: 0.1 })
  tooSlow(@TaskContext() { signal }: TaskContext): Promise<void> {
    return new Promise((resolve) => { signal.addEventListener('abort', () => { this.note('too_slow', []); resolve(); }); });
  }
  @Task('fails') fails(): never { throw new Error('on purpose'); }
  @Task('slow')
  async slow(): Promise<void> {
    this.slowStarted.fire();
    await this.slowRelease.promise;
    await this.dispatcher.publish({ name: 'follow_up', routingKey: 'waiting' }).catch((error: Error) => this.lines.push(error.name));
    this.lines.push('task ended');
  }
  onModuleDestroy(): void { this.lines.push('destroyed'); }
  private note(task: string, args: unknown[]): void {
    const context = currentTask();
    this.ran.add({ task, args, uuid: context?.uuid, headers: context?.headers ?? {} });
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedTasks {
  calls = 0;
  constructor(private readonly tasks: Tasks) {}
  @Task('scoped') run(): void { this.tasks.ran.add({ task: 'scoped', args: [++this.calls], uuid: currentTask()?.uuid, headers: {} }); }
}

/** Go's own example of every type. */
const ALL_TYPES: TaskArgument[] = [
  { type: 'bool', value: true }, { type: 'string', value: 'simple <string> & \u2028' },
  { type: 'int', value: -5 }, { type: 'int8', value: -128 }, { type: 'int16', value: 32767 }, { type: 'int32', value: -2147483648 },
  { type: 'int64', value: 9223372036854775807n }, { type: 'uint', value: 5 }, { type: 'uint8', value: 255 }, { type: 'uint16', value: 65535 },
  { type: 'uint32', value: 4294967295 }, { type: 'uint64', value: 18446744073709551615n }, { type: 'float32', value: 1.5 }, { type: 'float64', value: -0.1 },
];

const clean: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const step of clean.splice(0).reverse()) await step();
});

async function start(config: ServerConfig) {
  const log = new KeptLog();
  const module = await Test.createTestingModule({
    imports: [DispatcherModule.forRoot({ logger: log, shutdownTimeoutSeconds: 10, ...config })], providers: [Tasks, ScopedTasks],
  }).compile();
  const app = await module.init();
  clean.push(() => app.close());
  return { app, service: app.get(DispatcherService), tasks: app.get(Tasks), log };
}

/** A configuration with one worker on two keys, and a queue where nothing consumes. */
function configFor(broker: string): ServerConfig & { queue: string } {
  const exchange = uniqueName('nest');
  const [queue, waiting] = [`${exchange}.q`, `${exchange}.waiting`];
  if (broker.startsWith('amqp')) clean.push(() => removeExchange(sharedRabbitMqUrl(), exchange, [queue, waiting]));
  return Object.defineProperty({
    broker, exchange, defaultRoutingKey: 'key_1', initQueues: [{ name: waiting, bindingKeys: ['waiting'] }],
    workers: [{ name: 'worker_1', queue, bindingKeys: ['key_1', 'key_2'], unknownTaskGraceSeconds: 0 }],
  }, 'queue', { value: queue, enumerable: false }) as ServerConfig & { queue: string };
}

function ended(service: DispatcherService, type: DispatcherEvent['type']): Promise<DispatcherEvent> {
  return emission(service.events(), (event) => event.type === type, type);
}

describe.each([
  ['embedded, in memory', () => 'embedded:'],
  ['embedded, in a folder', () => {
    const folder = temporaryFolder('nest');
    clean.push(() => removeFolder(folder));
    return `embedded:${folder}`;
  }],
  ['amqp', () => sharedRabbitMqUrl()],
  ...redisBroker(),
])('the module on %s', (_, brokerUrl) => {
  it('declares, and delivers what is published to either bound key', async () => {
    const { service, tasks } = await start(configFor(brokerUrl()));
    const first = await service.publish('task_1', 'a');
    const second = await service.publish({ name: 'task_1', routingKey: 'key_2', headers: { tenant: 'b' }, args: [{ type: 'string', value: 'b' }] });
    const ran = await tasks.ran.count(2);
    expect(ran.map(({ uuid, args }) => [uuid, args])).toEqual([[first.uuid, ['a']], [second.uuid, ['b']]]);
    expect(ran[1]?.headers).toMatchObject({ tenant: 'b' });
  });

  it('carries all fourteen types, and the uuid first where it is asked for', async () => {
    const { service, tasks } = await start(configFor(brokerUrl()));
    const { uuid } = await service.publish({ name: 'with_uuid', args: ALL_TYPES });
    const [ran] = await tasks.ran.count(1);
    expect(ran?.args).toEqual([uuid, ...ALL_TYPES.map(({ value }) => value)]);
  });

  it('goes on after a handler that overruns, one that throws, an unknown task and a body that is none', async () => {
    const config = configFor(brokerUrl());
    const { service, tasks } = await start(config);
    const dead = new Arrivals<DispatcherEvent>();
    service.events().subscribe((event) => { if (event.type === 'task.dead-lettered') dead.add(event); });
    await service.publish('too_slow');
    await service.publish('fails');
    await service.publish('nobody_knows');
    const broker = service['parts'].broker;
    await broker.publish({ body: Buffer.from('no json'), properties: {} }, { queue: config.queue });
    await broker.publish(gofortFormat.encode({ uuid: 'u', name: 'task_1', args: [{ type: 'int8', value: 1000 }] }), { queue: config.queue });
    await dead.count(5);
    expect(dead.all.map((event) => 'reason' in event && event.reason).sort()).toEqual(['failed', 'invalid-arguments', 'invalid-body', 'timed-out', 'unknown-task']);
    await service.publish('task_1', 'after');
    await tasks.ran.first(({ args }) => args[0] === 'after', 'the task after them');
    expect(await broker.depth(`${config.queue}.dead`)).toBe(5);
  });

  it('runs request-scoped handlers on a fresh instance each', async () => {
    const { service, tasks } = await start(configFor(brokerUrl()));
    await Promise.all([service.publish('scoped'), service.publish('scoped')]);
    expect((await tasks.ran.count(2)).map(({ args }) => args)).toEqual([[1], [1]]);
  });

  it('refuses what is not routable, and everything after closing', async () => {
    const { app, service } = await start(configFor(brokerUrl()));
    await expect(service.publish({ name: 'task_1', routingKey: 'nowhere' })).rejects.toThrow(UnroutableTaskError);
    await app.close();
    await expect(service.publish('task_1')).rejects.toThrow(ShutdownError);
    await service.close();
  });

  it('ends a running task before anything is destroyed, and sends out what it publishes', async () => {
    const config = configFor(brokerUrl());
    const { app, service, tasks } = await start(config);
    await service.publish('slow');
    await tasks.slowStarted.within(20_000, 'the slow task');
    const stopped = ended(service, 'worker.stopped');
    const closed = app.close();
    tasks.slowRelease.fire();
    await stopped;
    await closed;
    expect(tasks.lines).toEqual(['task ended', 'destroyed']);
  });

  it('publishes many with one outcome each', async () => {
    const { service } = await start({ ...configFor(brokerUrl()), workers: [] });
    const list = Array.from({ length: 3000 }, (__, index) => ({ name: 'x', routingKey: index % 100 === 0 ? 'nowhere' : 'waiting' }));
    const outcomes = await service.publishMany(list);
    expect(outcomes.filter(({ accepted }) => accepted)).toHaveLength(2970);
    expect(outcomes[0]).toEqual({ accepted: false, error: expect.any(UnroutableTaskError) as unknown });
  });

  it('starts, closes and starts again a worker made at run time', async () => {
    const config = configFor(brokerUrl());
    const { service } = await start({ ...config, workers: [] });
    const ran = new Arrivals<unknown>();
    const worker = await service.createWorker(
      { name: 'late', queue: config.queue, bindingKeys: ['key_1'] }, { add: { function: (a: number) => { ran.add(a); } } });
    await expect(service.createWorker({ name: 'late', queue: config.queue })).rejects.toThrow(/already/);
    await worker.start();
    await service.publish('add', 1);
    await ran.count(1);
    await worker.close();
    await worker.close();
    await service.publish('add', 2);
    await worker.start();
    expect(await ran.count(2)).toEqual([1, 2]);
  });
});

describe('the module and a connection that goes away', () => {
  it('starts its workers again, and publishes what waited meanwhile', async () => {
    const { proxy, url } = await TcpProxy.before(sharedRabbitMqUrl());
    clean.push(() => proxy.close());
    const { service, tasks } = await start({ ...configFor(url), reconnectionIntervalSeconds: 0.05 });
    await service.publish('task_1', 'before');
    await tasks.ran.count(1);
    const lost = emission(service.states, ({ status }) => status === 'lost', 'the loss');
    const restored = ended(service, 'broker.consumer-restored');
    proxy.set('reset');
    await lost;
    const meanwhile = service.publish('task_1', 'meanwhile');
    proxy.set('pass');
    await meanwhile;
    await tasks.ran.first(({ args }) => args[0] === 'meanwhile', 'the task published meanwhile');
    await restored;
    // The worker's consumer, and that of what is delayed; in whichever order they come back.
    await eventually(() => service.health().status, (status) => status === 'up', 'all consumers to be back');
  });

  it('says so when the retries are spent, and lets running tasks end', async () => {
    const { proxy, url } = await TcpProxy.before(sharedRabbitMqUrl());
    clean.push(() => proxy.close());
    const { service, tasks, log } = await start({ ...configFor(url), reconnectionRetries: 1, reconnectionIntervalSeconds: 0.05 });
    await service.publish('slow');
    await tasks.slowStarted.within(20_000, 'the slow task');
    const stopped = ended(service, 'worker.stopped');
    const broken = emission(service.states, ({ status }) => status === 'broken', 'the end of reconnecting');
    proxy.set('reset');
    await broken;
    expect(service.health().status).toBe('down');
    tasks.slowRelease.fire();
    await stopped;
    expect(log.of('error')).toContainEqual(expect.stringContaining('Reconnecting was given up'));
  });

  it('does not start where nobody listens, and says what to check', async () => {
    const proxy = await TcpProxy.start({ port: 1 });
    const { port } = proxy;
    await proxy.close();
    const config = { ...configFor('embedded:'), broker: `amqp://user:secret@127.0.0.1:${port}/`, startupTimeoutSeconds: 0.5 };
    const error = await start(config).catch((caught: unknown) => caught as Error) as Error;
    expect(error.message).toMatch(/could not be used within 0\.5 s \(startupTimeoutSeconds\).*ECONNREFUSED.*Check that it runs/);
    expect(error.message).not.toContain('secret');
  });

  it('does not start with a wrong password, and says so at once', async () => {
    const url = new URL(sharedRabbitMqUrl());
    url.password = 'wrong';
    const error = await start(configFor(url.href)).catch((caught: unknown) => caught as Error) as Error;
    expect(error).toMatchObject({ code: 'ERR_DISPATCHER_BROKER_REFUSED' });
  });
});

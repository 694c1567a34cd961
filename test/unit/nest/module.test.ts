import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import {
  ConfigurationError, DispatcherModule, DispatcherService, getDispatcherToken, InjectDispatcher, Task, type DispatcherOptionsFactory, type ServerConfig,
} from '../../../lib/index.js';
import { BROKER_FACTORY } from '../../../lib/nest/dispatcher.module.js';
import { LoopbackBroker } from '../../support/loopback-broker.js';
import { KeptLog, startApp, startFailure, testConfig, WORKER } from '../../support/nest-app.js';
import { Arrivals } from '../../support/wait.js';

@Injectable()
class MathTasks {
  readonly ran = new Arrivals<unknown[]>();

  @Task('task_1')
  add(...args: unknown[]): void { this.ran.add(args); }
}

@Injectable()
class Consumer {
  constructor(readonly dispatcher: DispatcherService) {}
}

@Module({ providers: [Consumer], exports: [Consumer] })
class FeatureModule {}

describe('DispatcherModule', () => {
  it('runs a published task in the method that has its name', async () => {
    const { app, service } = await startApp({ providers: [MathTasks] });
    const { uuid } = await service.publish('task_1', 'simple string', 1, 2.5, true, 5n);
    expect(uuid).toMatch(/^[0-9a-f-]{36}$/);
    const [args] = await app.get(MathTasks).ran.count(1);
    expect(args).toEqual(['simple string', 1, 2.5, true, 5n]);
  });

  it('is injected by class in any module without being imported there', async () => {
    const { app, service } = await startApp({ imports: [FeatureModule] });
    expect(app.get(Consumer, { strict: false }).dispatcher).toBe(service);
  });

  it('stays within the modules that import it where isGlobal is false', async () => {
    const dispatcher = DispatcherModule.forRoot({ ...testConfig({}, new KeptLog()), isGlobal: false });
    const error = await startFailure({ imports: [FeatureModule] }, {}, { dispatcher });
    expect(error.message).toMatch(/can't resolve dependencies of the Consumer/);
  });

  it.each([
    ['useFactory', (config: ServerConfig) => ({ useFactory: () => Promise.resolve(config) })],
    ['useClass', (config: ServerConfig) => ({ useClass: factoryOf(config) })],
    ['useExisting', (config: ServerConfig) => {
      const factory = factoryOf(config);
      @Module({ providers: [factory], exports: [factory] })
      class ConfigModule {}
      return { imports: [ConfigModule], useExisting: factory };
    }],
  ])('takes its configuration from %s', async (_, options) => {
    const dispatcher = DispatcherModule.forRootAsync(options(testConfig({}, new KeptLog())));
    const { app, service } = await startApp({ providers: [MathTasks] }, {}, { dispatcher });
    await service.publish('task_1', 7);
    expect(await app.get(MathTasks).ran.count(1)).toEqual([[7]]);
  });

  it.each([
    ['no exchange', { exchange: undefined }, /exchange is required/],
    ['a worker without queue', { workers: [{ name: 'w' }] }, /queue is required/],
    ['two workers of one name', { workers: [WORKER, WORKER] }, /both named "worker_1"/],
    ['an unknown task', { workers: [{ ...WORKER, tasks: ['task_l'] }] }, /no method has @Task\('task_l'\).*Did you mean "task_1"/],
  ])('refuses to start with %s, before it connects', async (_, config, text) => {
    const broker = new LoopbackBroker();
    const error = await startFailure({ providers: [MathTasks] }, config as unknown as Partial<ServerConfig>, { broker });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(text);
    expect(broker.calls).not.toContain('connect');
  });

  it('names the accepted schemes where a broker is of another', async () => {
    const error = await Test.createTestingModule({ imports: [DispatcherModule.forRoot(testConfig({ broker: 'kafka://u:secret@h' }, new KeptLog()))] })
      .compile().catch((caught: unknown) => caught as Error);
    expect((error as Error).message).toMatch(/"kafka:".*amqp: or amqps: .* embedded:/);
    expect((error as Error).message).not.toContain('secret');
  });

  it('explains a bare import and a missing configuration', async () => {
    const error = await Test.createTestingModule({ imports: [DispatcherModule] }).compile().catch((caught: unknown) => caught as Error);
    expect((error as Error).message).toMatch(/imported without configuration.*forRoot/);
    expect(() => DispatcherModule.forRoot(undefined as never)).toThrow(/needs its configuration/);
    expect(() => DispatcherModule.forRoot({ exchange: 'e', defaultRoutingKey: 'k', name: '' })).toThrow(/name of the dispatcher/);
  });

  it('refuses a second registration under one name', async () => {
    const error = await startFailure({ imports: [DispatcherModule.forRoot(testConfig({}, new KeptLog()))] });
    expect(error.message).toMatch(/configured twice without a name.*name: 'orders'/);
  });

  it('runs several named dispatchers, each with its own tasks', async () => {
    @Injectable()
    class TwoKinds {
      readonly ran = new Arrivals<string>();
      constructor(@InjectDispatcher('orders') readonly orders: DispatcherService, readonly main: DispatcherService) {}
      @Task('plain') plain(): void { this.ran.add('plain'); }
      @Task('order', { dispatcher: 'orders' }) order(): void { this.ran.add('order'); }
      @Task('lost', { dispatcher: 'ordres' }) lost(): void { this.ran.add('lost'); }
    }
    const brokers = new Map<string, LoopbackBroker>();
    const log = new KeptLog();
    const orders = DispatcherModule.forRoot({ ...testConfig({ exchange: 'orders' }, log), name: 'orders' });
    const { app, log: mainLog } = await startApp({ imports: [orders], providers: [TwoKinds] }, {}, {
      adjust: (builder) => builder.overrideProvider(BROKER_FACTORY).useValue((_: unknown, name: string) => {
        brokers.set(name, new LoopbackBroker());
        return brokers.get(name);
      }),
    });
    const tasks = app.get(TwoKinds);
    expect(app.get(getDispatcherToken('orders'))).toBe(tasks.orders);
    await tasks.main.publish('plain');
    await tasks.orders.publish('order');
    expect((await tasks.ran.count(2)).sort()).toEqual(['order', 'plain']);
    expect(brokers.get('orders')?.published).toHaveLength(1);
    const warnings = [...log.of('warn'), ...mainLog.of('warn')];
    expect(warnings).toEqual([expect.stringMatching(/No dispatcher runs "lost" \(TwoKinds.lost .*"ordres"\)/)]);
  });

  it('keeps two applications of one process apart', async () => {
    const first = await startApp({ providers: [MathTasks] });
    const second = await startApp({ providers: [MathTasks] });
    await second.service.publish('task_1', 2);
    expect(await second.app.get(MathTasks).ran.count(1)).toEqual([[2]]);
    expect(first.app.get(MathTasks).ran.all).toEqual([]);
  });

  it('lets a test put a mock in the place of the service: nothing connects', async () => {
    const broker = new LoopbackBroker();
    const mock = { publish: () => Promise.resolve({ uuid: 'mocked' }) };
    const { app } = await startApp({ imports: [FeatureModule] }, {}, {
      broker, adjust: (builder) => builder.overrideProvider(DispatcherService).useValue(mock),
    });
    expect(await app.get(Consumer, { strict: false }).dispatcher.publish('x')).toEqual({ uuid: 'mocked' });
    expect(broker.calls).toEqual([]);
  });
});

function factoryOf(config: ServerConfig): new () => DispatcherOptionsFactory {
  @Injectable()
  class Factory implements DispatcherOptionsFactory {
    createDispatcherOptions(): ServerConfig { return config; }
  }
  return Factory;
}

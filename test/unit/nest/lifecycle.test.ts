import {
  Injectable, Module, type BeforeApplicationShutdown, type OnApplicationBootstrap, type OnApplicationShutdown, type OnModuleDestroy, type OnModuleInit,
} from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { BrokerUnavailableError, currentTask, DispatcherModule, DispatcherService, ShutdownError, Task } from '../../../lib/index.js';
import { LoopbackBroker } from '../../support/loopback-broker.js';
import { KeptLog, startApp, startFailure, testConfig, WORKER } from '../../support/nest-app.js';
import { Arrivals, Signal } from '../../support/wait.js';

const SLOW_KEY = { name: 'slow_worker', queue: 'slow', bindingKeys: ['slow'] };

/** A task that runs until it is released, and what happens around it, in order. */
class Stage {
  readonly lines = new Arrivals<string>();
  readonly started = new Signal();
  readonly release = new Signal();
}

function modules(stage: Stage) {
  @Injectable()
  class Database implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
    onModuleInit(): void { stage.lines.add('database up'); }
    onApplicationBootstrap(): void { stage.lines.add('database bootstrapped'); }
    onModuleDestroy(): void { stage.lines.add('database down'); }
  }
  @Module({ providers: [Database], exports: [Database] })
  class DatabaseModule {}
  @Injectable()
  class SlowTask implements OnModuleDestroy, OnApplicationBootstrap {
    constructor(private readonly dispatcher: DispatcherService) {}
    @Task('slow')
    async run(): Promise<void> {
      stage.started.fire();
      currentTask()?.signal.addEventListener('abort', () => { stage.lines.add('aborted'); stage.release.fire(); });
      await stage.release.promise;
      await this.dispatcher.publish('follow-up').catch((error: Error) => stage.lines.add(error.message));
      stage.lines.add('task ended');
    }
    onApplicationBootstrap(): void { stage.lines.add('tasks bootstrapped'); }
    onModuleDestroy(): void { stage.lines.add('tasks down'); }
  }
  @Module({ imports: [DatabaseModule], providers: [SlowTask] })
  class TaskModule {}
  @Injectable()
  class LastWords implements OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown {
    constructor(private readonly dispatcher: DispatcherService) {}
    onModuleDestroy(): Promise<void> { return this.say('destroy'); }
    beforeApplicationShutdown(): Promise<void> { return this.say('before shutdown'); }
    onApplicationShutdown(): Promise<void> { return this.say('shutdown'); }
    private async say(when: string): Promise<void> {
      await this.dispatcher.publish('follow-up').then(() => stage.lines.add(`published in ${when}`), (error: Error) => stage.lines.add(error.message));
    }
  }
  return { TaskModule, DatabaseModule, LastWords };
}

describe('lifecycle', () => {
  it('starts consuming after everything else has started', async () => {
    const stage = new Stage();
    const { TaskModule } = modules(stage);
    const broker = new LoopbackBroker();
    const { consume } = broker;
    broker.consume = (...args) => {
      stage.lines.add('consuming');
      return consume.apply(broker, args);
    };
    await startApp({ imports: [TaskModule] }, {}, { broker });
    expect(stage.lines.all).toEqual(['database up', 'database bootstrapped', 'tasks bootstrapped', 'consuming']);
    expect(broker.calls).toEqual(['connect', 'declare queue_1', 'declare queue_1.dead queue_1', 'consume queue_1']);
  });

  it('drains before anything is destroyed: a running task keeps its database and can publish', async () => {
    const stage = new Stage();
    const { TaskModule, LastWords } = modules(stage);
    const { app, service, broker } = await startApp({ imports: [TaskModule], providers: [LastWords] }, { workers: [SLOW_KEY, WORKER] });
    await service.publish({ name: 'slow', routingKey: 'slow' });
    await stage.started.promise;
    const closed = app.close();
    await service.publish({ name: 'slow', routingKey: 'slow' });
    stage.release.fire();
    await closed;
    const lines = stage.lines.all.slice(3);
    expect(lines.indexOf('task ended')).toBe(0);
    expect(lines).toContain('database down');
    expect(lines).toContain('published in destroy');
    expect(lines).toContain('published in before shutdown');
    expect(lines).toContain('published in shutdown');
    expect(broker.calls.at(-1)).toBe('close');
    await expect(service.publish('follow-up')).rejects.toThrow(ShutdownError);
  });

  it('aborts what overruns the time of the shutdown, and ends', async () => {
    const stage = new Stage();
    const { TaskModule } = modules(stage);
    const { app, service, broker, log } = await startApp({ imports: [TaskModule] }, { workers: [SLOW_KEY, WORKER], shutdownTimeoutSeconds: 0.2 });
    await service.publish({ name: 'slow', routingKey: 'slow' });
    await stage.started.promise;
    await app.close();
    expect(stage.lines.all.slice(3, 5)).toEqual(['aborted', 'task ended']);
    expect(broker.state.status).toBe('closed');
    expect(log.of('log')).toContainEqual(expect.stringMatching(/^Worker "slow_worker" is closing, and waits for 1 running task \(slow [0-9a-f-]{36}\), until .*Z at the latest\.$/));
    expect(log.of('warn')).toContainEqual(expect.stringMatching(/"slow_worker" waits no longer, because its time is up: 1 running task .* is aborted and given back/));
  });

  it('lets a provider publish in its onModuleInit, once the queues are there', async () => {
    @Injectable()
    class Early implements OnModuleInit {
      uuid = '';
      readonly ran = new Arrivals<unknown>();
      constructor(private readonly dispatcher: DispatcherService) {}
      async onModuleInit(): Promise<void> { this.uuid = (await this.dispatcher.publish('early', 1)).uuid; }
      @Task('early') run(): void { this.ran.add(currentTask()?.uuid); }
    }
    const { app, broker } = await startApp({ providers: [Early] });
    const early = app.get(Early);
    expect(await early.ran.count(1)).toEqual([early.uuid]);
    expect(broker.calls.filter((call) => call === 'connect')).toHaveLength(1);
  });

  it('leaves a worker that a provider has made to its own start', async () => {
    @Injectable()
    class Maker implements OnModuleInit {
      constructor(private readonly dispatcher: DispatcherService) {}
      async onModuleInit(): Promise<void> { await this.dispatcher.createWorker({ name: 'own', queue: 'own' }, { x: { function: () => 1 } }); }
    }
    const { service, broker } = await startApp({ providers: [Maker] });
    expect(broker.calls.filter((call) => call.startsWith('consume'))).toEqual(['consume queue_1']);
    await service.worker('own').start();
    expect(broker.calls.at(-1)).toBe('consume own');
  });

  it('fails to start within startupTimeoutSeconds, says why, hides the password and lets go of the broker', async () => {
    const broker = new LoopbackBroker();
    broker.onConnect = () => new Promise(() => undefined);
    const error = await startFailure({}, { startupTimeoutSeconds: 0.05, broker: 'amqp://user:secret@host/v' }, { broker });
    expect(error).toBeInstanceOf(BrokerUnavailableError);
    expect(error.message).toMatch(/amqp:\/\/user:\*\*\*@host\/v could not be used within 0.05 s \(startupTimeoutSeconds\); its state is "connecting"/);
    expect(broker.calls.at(-1)).toBe('close');
  });

  it('declares but does not consume as a publisher', async () => {
    const stage = new Stage();
    const { TaskModule } = modules(stage);
    const { service, broker, log } = await startApp({ imports: [TaskModule] }, { role: 'publisher' });
    await service.publish('waits');
    await service.worker('worker_1').start();
    expect(broker.calls).toEqual(['connect', 'declare queue_1', 'declare queue_1.dead queue_1']);
    expect(await broker.depth('queue_1')).toBe(1);
    expect(log.of('warn')).toEqual([expect.stringContaining('role of this process is "publisher"')]);
  });

  it('finishes running tasks when reconnecting was given up, and says so', async () => {
    const stage = new Stage();
    const { TaskModule } = modules(stage);
    const { service, broker, log } = await startApp({ imports: [TaskModule] }, { workers: [SLOW_KEY, WORKER] });
    await service.publish({ name: 'slow', routingKey: 'slow' });
    await stage.started.promise;
    broker.events.next({ type: 'broker.broken', error: new BrokerUnavailableError('gone') });
    broker.become('broken');
    expect(service.health()).toMatchObject({ status: 'down', details: { connection: 'broken' } });
    stage.release.fire();
    await stage.lines.first((line) => line === 'task ended', 'the end of the running task');
    expect(log.of('error')).toEqual([expect.stringMatching(/Reconnecting was given up.*gone/)]);
  });

  it('closes by close() too, twice without harm', async () => {
    const { service, broker } = await startApp({});
    await Promise.all([service.close(), service.close()]);
    expect(broker.calls.filter((call) => call === 'close')).toHaveLength(1);
    await expect(service.createWorker({ name: 'w', queue: 'q' })).rejects.toThrow(ShutdownError);
    await expect(service.worker('worker_1').start()).rejects.toThrow(ShutdownError);
  });

  it('warns once that TLS verification is off', async () => {
    const log = new KeptLog();
    const dispatcher = DispatcherModule.forRoot(testConfig({ tlsConfig: { rejectUnauthorized: false }, workers: [] }, log));
    await startApp({}, {}, { dispatcher });
    expect(log.of('warn')).toEqual([expect.stringContaining('rejectUnauthorized is false')]);
  });
});

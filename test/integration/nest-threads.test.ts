import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import { lastValueFrom, toArray } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import type { DispatcherEvent, DispatcherService as Service, ServerConfig } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { Arrivals, emission } from '../support/wait.js';

// Threads need built files, and the application must share them: everything here is the built form.
const built = createRequire(join(process.cwd(), 'dist', 'test', 'integration', 'nest-threads.test.js'));
const { DispatcherModule, DispatcherService } = built('../../lib/index.js') as typeof import('../../lib/index.js');
const { ThreadTestModule } = built('./apps/thread.module.js') as typeof import('./apps/thread.module.js');

interface Ended { name: string; result?: unknown; error?: Error }

const clean: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const step of clean.splice(0).reverse()) await step();
});

async function start(broker: string, config: Partial<ServerConfig> = {}) {
  const exchange = uniqueName('threads');
  const queue = `${exchange}.q`;
  if (broker.startsWith('amqp')) clean.push(() => removeExchange(sharedRabbitMqUrl(), exchange, [queue]));
  const ended = new Arrivals<Ended>();
  const log = new KeptLog();
  const module = await Test.createTestingModule({
    imports: [ThreadTestModule, DispatcherModule.forRoot({
      broker, exchange, defaultRoutingKey: 'key', logger: log, shutdownTimeoutSeconds: 3,
      workers: [{ name: 'worker_1', queue, bindingKeys: ['key'], limit: 2 }],
      threads: { module: built.resolve('./apps/thread.module.js'), size: 1 },
      middleware: {
        run: [async (context, next) => {
          Object.assign(context.state, { tenant: 'acme' });
          try {
            const result = await next();
            ended.add({ name: context.name, result });
          } catch (error) {
            ended.add({ name: context.name, error: error as Error });
            throw error;
          }
        }],
      },
      ...config,
    })],
  }).compile();
  const app = await module.init();
  clean.push(() => app.close());
  return { app, service: app.get(DispatcherService) as unknown as Service, ended, log };
}

function next(service: Service, type: DispatcherEvent['type']): Promise<DispatcherEvent> {
  return emission(service.events(), (event) => event.type === type, type);
}

describe.each([['embedded', () => 'embedded:'], ['amqp', sharedRabbitMqUrl]])('threads on %s', (_, brokerUrl) => {
  it('runs the handler in a thread, with its own providers, the task\'s context, and arguments and results intact', async () => {
    const { service, ended } = await start(brokerUrl());
    const { uuid } = await service.publish({ name: 'echo', headers: { k: 'v' }, args: [{ type: 'int64', value: 2n ** 60n }, { type: 'json', value: { deep: [1] } }] });
    await service.publish('here');
    const [{ result }] = [await ended.first(({ name }) => name === 'echo', 'the echo')];
    expect(result).toMatchObject({ uuid, args: [2n ** 60n, { deep: [1] }], colours: ['red'], attempt: 1, headers: { k: 'v' }, state: { tenant: 'acme' } });
    expect((result as { threadId: number }).threadId).toBeGreaterThan(0);
    expect((await ended.first(({ name }) => name === 'here', 'the other task')).result).toBe(0);
  });

  it('runs each version of a task by its own handler', async () => {
    const { service, ended } = await start(brokerUrl());
    await service.publish('versioned', { width: 1 });
    await service.publish({ name: 'versioned', version: 1, args: [{ type: 'int', value: 2 }] });
    const results = (await ended.count(2)).map(({ result }) => JSON.stringify(result)).sort();
    expect(results).toEqual(['[1,2,true]', '[2,{"width":1},true]']);
  });

  it('tells how far a handler in a thread is, and the last step before its end', async () => {
    const { service } = await start(brokerUrl());
    const reports = await lastValueFrom(service.call('steps').pipe(toArray()));
    expect(reports.at(-2)).toMatchObject({ state: 'progress', fraction: 1, data: { row: 1_000_000 } });
    expect(reports.at(-1)).toMatchObject({ state: 'succeeded', value: 'done' });
  });

  it('ends a busy handler with its timeout, in time, while neighbours run; another thread takes its place', async () => {
    const { service, ended } = await start(brokerUrl());
    const blocked: DispatcherEvent[] = [];
    service.events().subscribe((event) => { if (event.type === 'task.blocked-loop') blocked.push(event); });
    const dead = next(service, 'task.dead-lettered');
    await service.publish('spin');
    await service.publish('here');
    await ended.first(({ name }) => name === 'here', 'the neighbour');
    expect(await dead).toMatchObject({ reason: 'timed-out' });
    await service.publish('echo');
    await ended.first(({ name }) => name === 'echo', 'the next thread');
    expect(blocked).toEqual([]);
  });

  it('takes the end of a thread for a failed attempt', async () => {
    const { service, ended } = await start(brokerUrl());
    for (const name of ['exits', 'stray']) {
      const dead = next(service, 'task.dead-lettered');
      await service.publish(name);
      expect(await dead).toMatchObject({ reason: 'failed', error: { code: 'ERR_DISPATCHER_THREAD_CRASHED' } });
    }
    await service.publish('echo');
    await ended.first(({ name }) => name === 'echo', 'the next thread');
  });

  it('ends a busy handler that is called off, and takes the next task', async () => {
    const { service, ended, log } = await start(brokerUrl());
    const spinning = new Promise<void>((resolve) => {
      const write = log.log.bind(log);
      log.log = (message: string) => { write(message); if (message.includes('spinning')) resolve(); };
    });
    const published = await service.publish('spin_on');
    await spinning;
    const cancelled = next(service, 'task.cancelled');
    await published.cancel({ reason: 'enough' });
    expect(await cancelled).toMatchObject({ task: { uuid: published.uuid }, reason: expect.stringContaining('enough') as string });
    await service.publish('echo');
    await ended.first(({ name }) => name === 'echo', 'the next task');
  });

  it('ends a busy handler at a shutdown, and its task goes back', async () => {
    const { app, service, log } = await start(brokerUrl(), { shutdownTimeoutSeconds: 1.5 });
    const broker = service['parts'].broker;
    const queue = service.worker('worker_1').queue;
    await service.publish('spin_on');
    await new Promise<void>((resolve) => {
      const write = log.log.bind(log);
      log.log = (message: string) => { write(message); if (message.includes('spinning')) resolve(); };
    });
    const worker = service.worker('worker_1').close(600);
    await worker;
    expect(await broker.depth(queue)).toBe(1);
    await app.close();
  });
});

describe('threads', () => {
  it('carry what a handler throws, and verdicts', async () => {
    const { service, ended } = await start('embedded:');
    await service.publish('throws');
    const { error } = await ended.first(({ name }) => name === 'throws', 'the error');
    expect(error).toMatchObject({ name: 'OwnError', message: 'too many pixels', pixels: 7, stack: expect.stringContaining('thread.module') });
    await service.publish('later');
    await ended.first(({ name, result }) => name === 'later' && result === 'second', 'the second attempt');
    await service.publish('uncopied');
    expect((await ended.first(({ name }) => name === 'uncopied', 'its failure')).error?.message).toMatch(/cannot leave its thread/);
    await service.publish('guarded');
    expect((await ended.first(({ name }) => name === 'guarded', 'its refusal')).error?.message).toMatch(/refused in thread [1-9]/);
  });

  it('carry what was behind an error, and what a pipe refused, which is a dead letter at once', async () => {
    const { service, ended } = await start('embedded:');
    await service.publish('behind');
    expect((await ended.first(({ name }) => name === 'behind', 'the error')).error).toMatchObject({
      name: 'AggregateError', cause: { name: 'Error', message: 'the root' }, errors: [{ name: 'TypeError', message: 'one' }],
    });
    const dead = emission(service.events(), (event) => event.type === 'task.dead-lettered' && event.task.name === 'refuses', 'the dead letter');
    await service.publish('refuses', 1);
    expect(await dead).toMatchObject({ reason: 'invalid-arguments', task: { attempt: 1 }, error: { issues: ['argument 0: refused in a thread', 'argument 0: twice'] } });
  });

  it('hear of the abort of their signal, and write to the logger', async () => {
    const { service, log } = await start('embedded:');
    const logged = new Promise<string>((resolve) => {
      log.log = (message: string) => { if (message.includes('stopped')) resolve(message); };
    });
    await service.publish('polite');
    expect(await logged).toMatch(/^\[polite .*stopped: TaskTimeoutError$/);
  });

  it('count the timeout from the start in a thread, not from the wait for one', async () => {
    const { service, ended } = await start('embedded:');
    const dead = new Arrivals<DispatcherEvent>();
    service.events().subscribe((event) => { if (event.type === 'task.dead-lettered') dead.add(event); });
    await service.publish('spin');
    await service.publish('polite');
    await dead.count(2);
    await ended.count(1);
    expect(dead.all.map((event) => 'task' in event && event.task && 'name' in event.task && event.task.name)).toEqual(['spin', 'polite']);
  });

  it('give back what finds no room, uncharged', async () => {
    const { service, ended } = await start('embedded:', {
      threads: { module: built.resolve('./apps/thread.module.js'), size: 1, maxQueue: 0 },
      workers: [{ name: 'worker_1', queue: uniqueName('q'), bindingKeys: ['key'], limit: 10 }],
    });
    await Promise.all(Array.from({ length: 6 }, () => service.publish('echo')));
    await ended.first(() => ended.all.filter(({ result }) => result !== undefined).length === 6, 'all six');
    expect(ended.all.every(({ result }) => result === undefined || (result as { attempt: number }).attempt === 1)).toBe(true);
  });

  it('must be configured where a task needs them', async () => {
    await expect(start('embedded:', { threads: undefined })).rejects.toThrow(/@Task\('.*'\) has thread: true, but the dispatcher has no threads/);
    await expect(start('embedded:', { threads: { module: './relative' } })).rejects.toThrow(/absolute path or the file: URL/);
  });

  it('say what is wrong with their module', async () => {
    const { service, ended } = await start('embedded:', { threads: { module: join(process.cwd(), 'dist', 'lib', 'errors.js'), size: 1 } });
    await service.publish('echo');
    expect((await ended.first(({ name }) => name === 'echo', 'the failure')).error?.message).toMatch(/exports no Nest module; it must export one/);
  });
});

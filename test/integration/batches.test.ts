import { Catch, Injectable, Scope, SetMetadata, UseFilters, UseGuards, UseInterceptors, type CallHandler, type CanActivate, type ExceptionFilter, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { map, type Observable } from 'rxjs';
import { z } from 'zod';
import {
  chord, currentTask, GiveUp, group, Task, task, TaskContext, type BatchContext, type BatchedTask, type DispatcherEvent, type DispatcherService, type DispatcherWorker, type TaskLogger,
} from '../../lib/index.js';
import { everyBroker, oneWorker, ownQueue, startOn } from '../support/nest-on-broker.js';
import { sharedRabbitMqUrl } from '../support/shared-rabbitmq.js';
import { Arrivals, emission, eventually, Signal } from '../support/wait.js';

interface Call { readonly values: unknown[]; readonly batch: BatchContext; readonly attempts: number[] }

@Injectable()
class Allowed implements CanActivate {
  constructor(private readonly reflector: Reflector) {}
  canActivate(context: ExecutionContext): boolean {
    return context.getArgs<[string]>()[0] !== this.reflector.get<string>('refused', context.getHandler());
  }
}

@Injectable()
class Twice implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value) => [value, value]));
  }
}

@Catch(RangeError)
class Saving implements ExceptionFilter {
  catch(error: RangeError): string { return `saved ${error.message} of ${currentTask()?.uuid.length ?? 0}`; }
}

@Injectable()
class Indexing {
  readonly calls = new Arrivals<Call>();
  readonly entered = new Signal();
  leave = new Signal();

  @Task('index', { batch: { size: 4, waitMs: 300 }, retry: { attempts: 2, delaySeconds: 0.05, backoff: 'fixed', jitter: 0 } })
  index(tasks: readonly BatchedTask<[id: number], string>[], batch: BatchContext): void {
    this.note(tasks, batch);
    for (const one of tasks) {
      const [id] = one.args;
      if (id === 13 && one.context.attempt === 1) one.fail(new Error('unlucky'));
      else if (id === 666) one.fail(new GiveUp('never'));
      else one.succeed(`indexed ${id}`);
    }
  }

  @Task('checked', { batch: { size: 3, waitMs: 300 }, schema: z.object({ id: z.int(), at: z.coerce.date<string>() }) })
  checked(tasks: readonly BatchedTask<[{ id: number; at: Date }], boolean>[], batch: BatchContext): void {
    this.note(tasks, batch);
    for (const one of tasks) one.succeed(one.args[0].at instanceof Date);
  }

  @Task('surrounded', { batch: { size: 3, waitMs: 300 } })
  @UseGuards(Allowed)
  @UseInterceptors(Twice)
  @UseFilters(Saving)
  @SetMetadata('refused', 'no')
  surrounded(tasks: readonly BatchedTask<[string], string>[], batch: BatchContext): void {
    this.note(tasks, batch);
    for (const one of tasks) if (one.args[0] === 'bad') one.fail(new RangeError('it')); else one.succeed(one.args[0]);
  }

  @Task('by_account', { batch: { size: 100, waitMs: 500, by: 'account' } })
  byAccount(tasks: readonly BatchedTask<[{ account: string; n: number }], void>[], batch: BatchContext): void { this.note(tasks, batch); }

  @Task('many', { batch: { size: 500, waitMs: 5_000 } })
  many(tasks: readonly BatchedTask<[number], void>[], batch: BatchContext): void { this.note(tasks, batch); }

  @Task('held', { batch: { size: 2, waitMs: 60_000 } })
  async held(tasks: readonly BatchedTask<[number], void>[], batch: BatchContext): Promise<void> {
    this.note(tasks, batch);
    this.entered.fire();
    await this.leave.promise;
  }

  @Task('stepping', { batch: { size: 2, waitMs: 5 } })
  async stepping([one]: readonly BatchedTask<[number], void>[]): Promise<void> { await one?.context.step('never', () => 1); }

  @Task('sum') sum(values: unknown[]): number { return values.length; }

  private note(tasks: readonly BatchedTask[], batch: BatchContext): void {
    this.calls.add({ values: tasks.map(({ args }) => args[0]), batch, attempts: tasks.map(({ context }) => context.attempt) });
  }
}

async function start(broker: string) {
  const config = oneWorker(broker, 'batches');
  const { app, service } = await startOn(config, { providers: [Indexing, Allowed, Twice, Saving] });
  return { service, client: service.client(Indexing), tasks: app.get(Indexing), config, queue: config.workers[0].queue, worker: service.worker('w') };
}

function allOf(calls: Arrivals<Call>, count: number): Promise<void> {
  const handled = (): number => calls.all.reduce((sum, { batch }) => sum + batch.size, 0);
  return calls.until(() => handled() >= count, 20_000, () => `${count} tasks; ${handled()} were handled`);
}

/** One waits for its call. */
async function waits(worker: DispatcherWorker): Promise<void> {
  await eventually(() => worker.activity, ({ waiting, running }) => waiting === 1 && running === 0, 'a task to wait for its call');
}

function event(service: DispatcherService, type: DispatcherEvent['type']): Promise<DispatcherEvent> {
  return emission(service.events(), (one) => one.type === type, type);
}

describe.each(everyBroker('batches'))('a batch handler on %s', (_, brokerUrl) => {
  it('gets many at once, and says of each what became of it: results, a retry on its own, a dead letter on its own', async () => {
    const { service, tasks, queue } = await start(brokerUrl());
    const sent = await Promise.all([1, 13, 666, 4].map((id) => service.publish({ name: 'index', args: [{ type: 'int', value: id }], result: true })));
    const results = await Promise.allSettled(sent.map((one) => one.result({ timeoutSeconds: 20 })));
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as Error).message))).toEqual(['indexed 1', 'indexed 13', expect.stringContaining('never'), 'indexed 4']);
    const [first, second] = await tasks.calls.count(2);
    expect([[...first!.values].sort((a, b) => Number(a) - Number(b)), second]).toMatchObject([[1, 4, 13, 666], { values: [13], attempts: [2] }]);
    expect((await service.deadLetters.list(queue)).letters).toMatchObject([{ name: 'index', reason: 'failed', attempt: 1 }]);
  });

  it('is spared what its schema refuses: that alone is a dead letter', async () => {
    const { service, tasks, config } = await start(brokerUrl());
    // Another process, which knows nothing of the schema.
    const { service: sender } = await startOn({ ...config, role: 'publisher', workers: [] });
    const dead = event(service, 'task.dead-lettered');
    const good = { type: 'json' as const, value: { id: 1, at: '2030-01-01T00:00:00.000Z' } };
    const bad = await sender.publish({ name: 'checked', args: [{ type: 'json', value: { id: 'x', at: 'never' } }] });
    const sent = await Promise.all([1, 2].map(() => sender.publish({ name: 'checked', args: [good], result: true })));
    expect(await Promise.all(sent.map((one) => one.result({ timeoutSeconds: 20 })))).toEqual([true, true]);
    expect(await dead).toMatchObject({ task: { uuid: bad.uuid }, reason: 'invalid-arguments' });
    expect(tasks.calls.all).toMatchObject([{ batch: { size: 2 } }]);
  });

  it('stands within guards, interceptors and filters, which are about each task', async () => {
    const { service } = await start(brokerUrl());
    const sent = await Promise.all(['a', 'no', 'bad', 'b'].map((value) => service.publish({ name: 'surrounded', args: [{ type: 'string', value }], result: true })));
    const results = await Promise.allSettled(sent.map((one) => one.result({ timeoutSeconds: 20 })));
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as Error).message))).toEqual([['a', 'a'], expect.stringContaining('Allowed refused'), 'saved it of 36', ['b', 'b']]);
  });

  it('gets one key at a time', async () => {
    const { client, tasks } = await start(brokerUrl());
    await Promise.all(['a', 'b', 'a', 'b', 'a'].map((account, n) => client.byAccount({ account, n })));
    const calls = await tasks.calls.count(2);
    expect(calls.map(({ batch, values }) => [batch.key, values.length]).sort()).toEqual([['a', 3], ['b', 2]]);
  });

  it('of 500 is filled in spite of a limit of 1, as soon as they are there', async () => {
    const { service, tasks } = await start(brokerUrl());
    await service.publishMany(Array.from({ length: 1_000 }, (__, n) => ({ name: 'many', args: [{ type: 'int' as const, value: n }] })));
    await allOf(tasks.calls, 1_000);
    const sizes = tasks.calls.all.map(({ batch }) => batch.size);
    // The first may be called before all are published; none waits longer than it has to.
    expect(Math.max(...sizes)).toBe(500);
    expect(sizes.length).toBeLessThanOrEqual(4);
  });

  it('is left by a task that is cancelled, before the call and during it', async () => {
    const { service, client, tasks, worker } = await start(brokerUrl());
    const first = await client.held(1);
    await waits(worker);
    const cancelled = event(service, 'task.cancelled');
    await service.cancel(first.uuid);
    expect(await cancelled).toMatchObject({ task: { uuid: first.uuid } });
    const [second] = await Promise.all([client.held(2), client.held(3)]);
    await tasks.entered.promise;
    expect([...tasks.calls.all[0]!.values].sort()).toEqual([2, 3]);
    expect(await service.inspect.running()).toMatchObject([{ name: 'held', batch: { size: 2, id: tasks.calls.all[0]!.batch.id } }, { name: 'held', batch: { size: 2 } }]);
    await service.cancel(second.uuid);
    tasks.leave.fire();
  });

  it('has no durable steps: they would be of one task', async () => {
    const { service, client } = await start(brokerUrl());
    const dead = event(service, 'task.dead-lettered');
    await client.stepping(1);
    expect(await dead).toMatchObject({ error: { code: 'ERR_DISPATCHER_STEP', message: expect.stringContaining('takes many tasks at once') as string } });
  });

  it('takes steps of workflows: the chord goes on when all have their results', async () => {
    const { service } = await start(brokerUrl());
    const workflow = await service.publish(chord(group([1, 2, 3, 4].map((id) => task('index', { args: [{ type: 'int', value: id }] }))), task('sum')));
    expect(await workflow.result({ timeoutSeconds: 20 })).toBe(4);
  });

  it('gives back at once what waits for its call when the worker closes, and the next worker takes it', async () => {
    const { client, worker, tasks } = await start(brokerUrl());
    await client.held(1);
    await waits(worker);
    await worker.close(10_000);
    tasks.leave.fire();
    await worker.start();
    // It came back: it is called alone.
    expect(await tasks.calls.count(1)).toMatchObject([{ values: [1], attempts: [1] }]);
  });
});

describe('a batch handler of a worker with levels', () => {
  it('is filled from each of its queues', async () => {
    const { exchange, queue } = ownQueue(sharedRabbitMqUrl(), 'batches', ['high', 'low', 'lines']);
    const { app, service } = await startOn({ broker: sharedRabbitMqUrl(), exchange, defaultRoutingKey: 'key', workers: [{ name: 'w', queue, bindingKeys: ['key'], limit: 1, priorities: true }] }, { providers: [Indexing, Allowed, Twice, Saving] });
    await service.publishMany(Array.from({ length: 600 }, (_, n) => ({ name: 'many', args: [{ type: 'int' as const, value: n }], priority: (['high', 'normal', 'low'] as const)[n % 3]! })));
    const { calls } = app.get(Indexing);
    await allOf(calls, 600);
    expect(Math.max(...calls.all.map(({ batch }) => batch.size))).toBeGreaterThanOrEqual(200);
  });
});

describe('what a batch handler cannot be', () => {
  @Injectable({ scope: Scope.REQUEST })
  class Scoped { @Task('scoped', { batch: { size: 2 } }) run(): void { return; } }
  @Injectable()
  class Decorated { @Task('decorated', { batch: { size: 2 } }) run(_tasks: readonly BatchedTask[], @TaskContext() _context: TaskContext): void { return; } }

  it.each([
    [Scoped, /Scoped.*made for each task/], [Decorated, /Decorated.*parameters are \(tasks, batch\).*parameter 2/],
  ])('is said at the start: %o', async (provider, text) => {
    await expect(startOn(oneWorker('embedded:', 'batches'), { providers: [provider] })).rejects.toThrow(text);
  });

  it.each([
    [{ batch: { size: 0 } }, /size of batch of @Task\('x'\) must be a whole number from 1 to 10000/], [{ batch: { size: 2, waitMs: 70_000 } }, /waitMs of batch.*0 to 60000/],
    [{ batch: { size: 2, by: 'a..b' } }, /by of batch.*place of an argument/], [{ batch: { size: 2, by: async () => Promise.resolve('x') } }, /answers at once/],
    [{ batch: { size: 2, wait: 1 } }, /Did you mean "waitMs"/], [{ batch: { size: 2 }, thread: true }, /batch and thread/], [{ batch: { size: 2 }, inbox: true }, /batch and inbox/],
    [{ batch: { size: 2 }, taskUuidAsFirstArg: true }, /batch and taskUuidAsFirstArg.*task\.uuid/],
  ])('is said by @Task: %o', (options, text) => {
    expect(() => Task('x', options as never)).toThrow(text);
  });
});

describe('a plain function of createWorker', () => {
  it('takes many at once too', async () => {
    const { service } = await startOn({ broker: 'embedded:', exchange: 'plain', defaultRoutingKey: 'key', workers: [] });
    const seen = new Arrivals<number>();
    const lines: TaskLogger[] = [];
    const worker = await service.createWorker({ name: 'w', queue: 'q', bindingKeys: ['key'] }, {
      plain: { batch: { size: 2, waitMs: 1_000 }, function: (tasks: readonly BatchedTask[], batch: BatchContext) => { lines.push(batch.logger); seen.add(tasks.length); } },
    });
    await worker.start();
    await Promise.all([service.publish('plain', 1), service.publish('plain', 2)]);
    expect(await seen.count(1)).toEqual([2]);
    expect(() => lines[0]?.log('a line')).not.toThrow();
  });
});

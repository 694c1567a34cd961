import { Injectable, Module, Scope, UseGuards, UseInterceptors, type CanActivate, type NestInterceptor, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import {
  Task, TaskContext, type OutgoingTask, type RunMiddleware, type TaskMiddleware, type TaskPublishMiddleware, type DispatcherEvent,
} from '../../../lib/index.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import { Arrivals } from '../../support/wait.js';
import { startApp, startFailure, WORKER } from '../../support/nest-app.js';

const lines = new Arrivals<string>();

function noting(name: string): RunMiddleware {
  return async (_, next) => {
    lines.add(`${name} in`);
    await next();
    lines.add(`${name} out`);
  };
}

@Injectable()
class Tenants { of(task: string): string { return `tenant of ${task}`; } }

@Injectable()
class TenantMiddleware implements TaskMiddleware, TaskPublishMiddleware {
  constructor(private readonly tenants: Tenants) {}
  run(context: TaskContext, next: () => Promise<unknown>): unknown {
    Object.assign(context.state, { tenant: this.tenants.of(context.name) });
    return next();
  }
  publish(task: OutgoingTask, next: () => Promise<unknown>): unknown {
    task.headers.tenant = this.tenants.of(task.name);
    return next();
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedMiddleware extends TenantMiddleware {}

@Injectable()
class Guard implements CanActivate { canActivate(): boolean { lines.add('guard'); return true; } }

@Injectable()
class Interceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler) { lines.add('interceptor'); return next.handle(); }
}

@Injectable()
class Tasks {
  @Task('ordered', { middleware: [noting('own')] })
  @UseGuards(Guard) @UseInterceptors(Interceptor)
  ordered(): void { lines.add('handler'); }

  @Task('stateful', { middleware: [TenantMiddleware] })
  stateful(@TaskContext() { state, headers }: TaskContext): void { lines.add(`${JSON.stringify(state)} ${JSON.stringify(headers)}`); }
}

@Module({ providers: [Tenants, TenantMiddleware], exports: [TenantMiddleware] })
class TenantModule {}

describe('middleware in an application', () => {
  it('runs global, then the task\'s own, then Nest\'s enhancers, then the handler', async () => {
    const { service } = await startApp({ imports: [TenantModule], providers: [Tasks] }, { middleware: { run: [noting('first'), noting('second')] } });
    lines.all.length = 0;
    await service.publish('ordered');
    await lines.first((line) => line === 'first out', 'the end');
    expect(lines.all).toEqual(['first in', 'second in', 'own in', 'guard', 'interceptor', 'handler', 'own out', 'second out', 'first out']);
  });

  it('takes classes of providers, of the module of the handler or of any other', async () => {
    const { service } = await startApp({ imports: [TenantModule], providers: [Tasks] }, { middleware: { publish: [TenantMiddleware] } });
    lines.all.length = 0;
    await service.publish('stateful');
    expect(await lines.count(1)).toEqual(['{"tenant":"tenant of stateful"} {"tenant":"tenant of stateful"}']);
  });

  it('leaves the caller\'s task alone, and a plain task plain on the wire', async () => {
    const seen: OutgoingTask[] = [];
    const { service, broker } = await startApp({}, { middleware: { publish: [(task, next) => { seen.push(task); task.args.push({ type: 'int', value: 2 }); return next(); }] } });
    const task = { name: 'x', args: [{ type: 'int' as const, value: 1 }] };
    const { uuid } = await service.publish(task);
    expect([task.args.length, seen[0]?.uuid, seen[0]?.routingKey]).toEqual([1, uuid, 'key']);
    const { message } = broker.published[0] as (typeof broker.published)[number];
    expect(message.properties.headers).toBeUndefined();
    expect(gofortFormat.decode(message).args.map(({ value }) => value)).toEqual([1, 2]);
  });

  it('checks what a middleware made of the task, and refuses what is none before any middleware', async () => {
    const { service } = await startApp({}, { middleware: { publish: [(task, next) => { if (task.name === 'bad') task.args = [{ type: 'int8', value: 1000 }]; return next(); }] } });
    await expect(service.publish('bad')).rejects.toThrow(/argument 1 \(type int8\)/);
    await expect(service.publish(null as never)).rejects.toThrow(/Expected a task/);
    await expect(service.publish({ name: 'x' } as never, 1)).rejects.toThrow(/publish takes one task/);
  });

  it('goes around each task of publishMany and of clients', async () => {
    const { service, broker } = await startApp({ imports: [TenantModule], providers: [Tasks] }, {
      workers: [], initQueues: [{ name: 'queue_1', bindingKeys: ['key'] }],
      middleware: { publish: [(task, next) => { if (task.name === 'veto') throw new Error('vetoed'); return next(); }] },
    });
    const outcomes = await service.publishMany(Array.from({ length: 2500 }, (_, index) => ({ name: index % 500 === 1 ? 'veto' : 'x' })));
    expect(outcomes.filter(({ accepted }) => !accepted)).toHaveLength(5);
    expect(outcomes[1]).toMatchObject({ accepted: false, error: { code: 'ERR_DISPATCHER_VETOED', message: expect.stringContaining('vetoed') } });
    await service.client(Tasks).ordered();
    expect(broker.published).toHaveLength(2496);
  });

  it('reports what fails after the task was accepted as an event', async () => {
    const { service } = await startApp({}, { middleware: { publish: [async function audit(_, next) { await next(); throw new Error('full'); }] } });
    const events: DispatcherEvent[] = [];
    service.events().subscribe((event) => events.push(event));
    const { uuid } = await service.publish('x');
    expect(events).toContainEqual(expect.objectContaining({ type: 'middleware.failed', middleware: 'audit', task: { uuid, name: 'x' } }));
  });

  it('goes around plain functions of createWorker', async () => {
    const { service } = await startApp({}, { workers: [], middleware: { run: [noting('global')] } });
    lines.all.length = 0;
    const worker = await service.createWorker(WORKER, { plain: { function: () => { lines.add('function'); }, middleware: [noting('own')] } });
    await worker.start();
    await service.publish('plain');
    await lines.first((line) => line === 'global out', 'the end');
    expect(lines.all).toEqual(['global in', 'own in', 'function', 'own out', 'global out']);
  });

  it.each([
    [{ run: [TenantMiddleware] }, /middleware\.run names the class TenantMiddleware.*among the providers/],
    [{ publish: [TenantMiddleware] }, /middleware\.publish names the class TenantMiddleware/],
    [{ run: [Tenants as never] }, /middleware\.run\[0\] must be a function.*found the class Tenants/],
    [{ run: 'x' as never }, /middleware\.run must be a list/],
    [{ around: [] } as never, /middleware has no option "around"/],
  ])('refuses %j at the start', async (middleware, text) => {
    expect((await startFailure({}, { middleware })).message).toMatch(text);
  });

  it('refuses a scoped class at the start', async () => {
    const failure = await startFailure({ providers: [Tenants, ScopedMiddleware] }, { middleware: { run: [ScopedMiddleware] } });
    expect(failure.message).toMatch(/ScopedMiddleware, which cannot be had as one instance/);
  });
});

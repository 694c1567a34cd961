import { Injectable } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import {
  BrokerUnavailableError, ConfigurationError, InvalidTaskError, Task, TaskTooLargeError, UnroutableTaskError, type DispatcherEvent, type TaskMap,
} from '../../../lib/index.js';
import { LoopbackBroker } from '../../support/loopback-broker.js';
import { startApp, WORKER } from '../../support/nest-app.js';
import { Arrivals, Signal } from '../../support/wait.js';

@Injectable()
class Tasks {
  readonly ran = new Arrivals<unknown[]>();
  @Task('task_1') run(...args: unknown[]): void { this.ran.add(args); }
}

describe('publish', () => {
  it('takes a task as in Go', async () => {
    const { app, service, broker } = await startApp({ providers: [Tasks] }, { initQueues: [{ name: 'other', bindingKeys: ['other'] }] });
    const task = { name: 'task_1', uuid: 'mine', args: [{ type: 'int8' as const, value: 5 }], headers: { tenant: 'a' } };
    expect(await service.publish(task)).toEqual({ uuid: 'mine' });
    expect(await app.get(Tasks).ran.count(1)).toEqual([[5]]);
    await service.publish({ ...task, routingKey: 'other' });
    expect(broker.published.map(({ address }) => address)).toEqual([{ routingKey: 'key' }, { routingKey: 'other' }]);
    expect(broker.published[0]?.message.properties).toMatchObject({ messageId: 'mine', headers: { tenant: 'a' } });
  });

  it('rejects, never throws, what cannot travel', async () => {
    const { service, broker } = await startApp({}, { maxTaskBytes: 200 });
    const refusals: [Promise<unknown>, new (...args: never[]) => Error, RegExp][] = [
      [service.publish(''), InvalidTaskError, /needs a name/],
      [service.publish('x', undefined, 1), InvalidTaskError, /Argument 1 is undefined/],
      [service.publish({ name: 'x', args: [{ type: 'int8', value: 300 }] }), InvalidTaskError, /argument 1/],
      [service.publish({ name: 'x' } as never, 1), InvalidTaskError, /Put the arguments into the task/],
      [service.publish(undefined as never), InvalidTaskError, /Expected a task/],
      [service.publish('x', 'y'.repeat(200)), TaskTooLargeError, /at most 200 may travel \(maxTaskBytes\)/],
      [service.publish({ name: 'x', routingKey: 'nowhere' }), UnroutableTaskError, /nowhere/],
    ];
    for (const [publish, kind, text] of refusals) {
      const error = await publish.catch((caught: unknown) => caught as Error);
      expect(error).toBeInstanceOf(kind);
      expect((error as Error).message).toMatch(text);
    }
    expect(broker.published).toEqual([]);
  });

  it('refuses headers that may not fit into a frame', async () => {
    const { service } = await startApp({});
    await expect(service.publish({ name: 'x', headers: { big: 'x'.repeat(48 * 1024) } })).rejects.toThrow(/headers take up to \d+ bytes; at most 49152/);
    await expect(service.publish({ name: 'x', headers: { fits: 'x'.repeat(40 * 1024) } })).resolves.toHaveProperty('uuid');
  });
});

/** Nothing consumes: what is seen is the publishing alone. */
const QUEUE_ONLY = { workers: [], initQueues: [{ name: 'queue_1', bindingKeys: ['key'] }] };

describe('publishMany', () => {
  it('gives each task its outcome in the order of the list, and keeps few on their way', async () => {
    const broker = new LoopbackBroker();
    let [now, most] = [0, 0];
    const { publish } = broker;
    broker.publish = async (...args) => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now--;
      return publish.apply(broker, args);
    };
    const { service } = await startApp({}, QUEUE_ONLY, { broker });
    const tasks = Array.from({ length: 5000 }, (_, index) => ({ name: index % 2 === 0 ? `task ${index}` : '', uuid: `uuid ${index}` }));
    const outcomes = await service.publishMany([...tasks, { name: 'x', routingKey: 'nowhere' }]);
    expect(outcomes).toHaveLength(5001);
    expect(outcomes.slice(0, 2)).toEqual([{ accepted: true, uuid: 'uuid 0' }, { accepted: false, error: expect.any(InvalidTaskError) as unknown }]);
    expect(outcomes.filter(({ accepted }) => accepted)).toHaveLength(2500);
    expect(outcomes.at(-1)).toEqual({ accepted: false, error: expect.any(UnroutableTaskError) as unknown });
    expect(most).toBe(1000);
  });

  it('keeps the bytes on their way bounded too', async () => {
    const broker = new LoopbackBroker();
    let [now, most] = [0, 0];
    broker.onPublish = async () => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now--;
    };
    const { service } = await startApp({}, QUEUE_ONLY, { broker });
    const large = 'x'.repeat(6 * 1024 * 1024);
    const outcomes = await service.publishMany(Array.from({ length: 5 }, () => ({ name: 'x', args: [{ type: 'string' as const, value: large }] })));
    expect(outcomes.every(({ accepted }) => accepted)).toBe(true);
    expect(most).toBe(2);
  });

  it('gives up the rest once the broker could not be reached in time', async () => {
    const broker = new LoopbackBroker();
    let tries = 0;
    const { service } = await startApp({}, QUEUE_ONLY, { broker });
    broker.onPublish = () => {
      tries++;
      return Promise.reject(new BrokerUnavailableError('away'));
    };
    broker.become('lost');
    const outcomes = await service.publishMany(Array.from({ length: 3000 }, () => ({ name: 'x' })));
    expect(outcomes.filter(({ accepted }) => accepted)).toEqual([]);
    expect(outcomes).toHaveLength(3000);
    expect(tries).toBe(1000);
  });

  it('refuses what is not a list', async () => {
    const { service } = await startApp({});
    await expect(service.publishMany({} as never)).rejects.toThrow(/takes a list/);
  });
});

describe('workers', () => {
  it('are made at run time with functions, started, closed and found by name', async () => {
    const { service } = await startApp({});
    const ran = new Arrivals<unknown[]>();
    const tasks: TaskMap = {
      plain: { function: (...args: unknown[]) => { ran.add(args); } },
      uuid_first: { function: (...args: unknown[]) => { ran.add(args); }, taskUuidAsFirstArg: true },
    };
    const worker = await service.createWorker({ name: 'late', queue: 'late', bindingKeys: ['late'] }, tasks);
    expect(service.worker('late')).toBe(worker);
    await service.publish({ name: 'plain', routingKey: 'late' });
    await worker.start();
    await service.publish({ name: 'uuid_first', uuid: 'u', routingKey: 'late', args: [{ type: 'int', value: 1 }] });
    expect(await ran.count(2)).toEqual([[], ['u', 1]]);
    await worker.close();
    await worker.close();
    await service.publish({ name: 'plain', routingKey: 'late' });
    await worker.start();
    expect(await ran.count(3)).toHaveLength(3);
  });

  it('run discovered tasks where no functions are given', async () => {
    const { app, service } = await startApp({ providers: [Tasks] }, { workers: [] });
    await (await service.createWorker({ ...WORKER, tasks: ['task_1'] })).start();
    await service.publish('task_1', 1);
    expect(await app.get(Tasks).ran.count(1)).toEqual([[1]]);
  });

  it('are refused with a reason', async () => {
    const { service } = await startApp({ providers: [Tasks] });
    const refusals: [unknown, unknown, RegExp][] = [
      [{ queue: 'q' }, undefined, /name is required/],
      [{ name: 'w' }, undefined, /queue is required/],
      [{ name: 'worker_1', queue: 'q' }, undefined, /There is a worker "worker_1" already/],
      [{ name: 'w', queue: 'q', tasks: ['nothing'] }, undefined, /no method has @Task\('nothing'\).*task_1/],
      [{ name: 'w', queue: 'q' }, { t: { functoin: () => 1 } }, /no option "functoin".*"function"/],
      [{ name: 'w', queue: 'q' }, { t: {} }, /needs a function/],
      [{ name: 'w', queue: 'q' }, { t: { function: () => 1, timeoutSeconds: -1 } }, /timeoutSeconds/],
      [{ name: 'w', queue: 'q', tasks: ['u'] }, { t: { function: () => 1 } }, /the given functions are: t/],
    ];
    for (const [config, tasks, text] of refusals) {
      const error = await service.createWorker(config as never, tasks as never).catch((caught: unknown) => caught as Error);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as Error).message).toMatch(text);
    }
    expect(() => service.worker('worker_2')).toThrow(/no worker "worker_2"\. Did you mean "worker_1"\? Known workers: worker_1/);
  });

  it('free the name again where the broker refuses the queue', async () => {
    const { service, broker } = await startApp({});
    const { declare } = broker;
    broker.declare = () => Promise.reject(new Error('refused'));
    await expect(service.createWorker({ name: 'w', queue: 'q' })).rejects.toThrow('refused');
    broker.declare = declare;
    expect((await service.createWorker({ name: 'w', queue: 'q' })).name).toBe('w');
  });
});

describe('what can be seen', () => {
  it('is the state, the events and the health', async () => {
    const { service, broker, app } = await startApp({ providers: [Tasks] });
    const events = new Arrivals<DispatcherEvent>();
    const completed = new Signal();
    service.events().subscribe({ next: events.add, complete: () => completed.fire() });
    expect(service.state.status).toBe('ready');
    expect(service.health()).toMatchObject({ status: 'up', details: { workers: [{ name: 'worker_1', queue: 'queue_1', consuming: true }] } });
    broker.events.next({ type: 'broker.consumer-lost', queue: 'queue_1', error: new BrokerUnavailableError('x') });
    expect(service.health()).toMatchObject({ status: 'degraded', details: { lostConsumers: ['queue_1'] } });
    broker.events.next({ type: 'broker.consumer-restored', queue: 'queue_1' });
    expect(service.health().status).toBe('up');
    broker.become('lost');
    expect(service.health().status).toBe('degraded');
    // By the clock that nobody sets: the other one may have been, since the connection was lost.
    const later = performance.now() + 31_000;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => later);
    expect(service.health().status).toBe('down');
    clock.mockRestore();
    broker.become('blocked');
    expect(service.health().status).toBe('degraded');
    await app.close();
    await completed.promise;
    expect(events.all.map(({ type }) => type)).toContain('worker.stopped');
  });
});

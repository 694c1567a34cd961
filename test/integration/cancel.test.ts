import { Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Task, TaskCancelledError, TaskContext, type DispatcherEvent, type ServerConfig } from '../../lib/index.js';
import { everyBroker, oneWorker, startOn } from '../support/nest-on-broker.js';
import { Arrivals, eventually } from '../support/wait.js';

@Injectable()
class Tasks {
  readonly ran = new Arrivals<string>();
  readonly reasons = new Arrivals<unknown>();
  @Task('quick') quick(name: string): void { this.ran.add(name); }
  /** Runs until it is asked to stop. */
  @Task('obeys', { retry: { attempts: 5, delaySeconds: 0 } }) obeys(@TaskContext() { signal }: TaskContext): Promise<void> {
    this.ran.add('obeys');
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        this.reasons.add(signal.reason);
        reject(signal.reason as Error);
      });
    });
  }
  @Task('finishes') finishes(@TaskContext() { signal }: TaskContext): Promise<string> {
    this.ran.add('finishes');
    return new Promise((resolve) => { signal.addEventListener('abort', () => resolve('done all the same')); });
  }
  @Task('fails', { retry: { attempts: 10, delaySeconds: 4, backoff: 'fixed', jitter: 0 } }) fails(): never {
    this.ran.add('fails');
    throw new Error('no');
  }
}

const configFor = (broker: string) => oneWorker(broker, 'cancel');

async function start(config: ServerConfig) {
  const { app, service } = await startOn(config, { providers: [Tasks] });
  const ends = new Arrivals<DispatcherEvent>();
  service.events().subscribe((event) => { if (event.type === 'task.cancelled' || event.type === 'task.dead-lettered') ends.add(event); });
  return { app, service, tasks: app.get(Tasks), ends };
}

const ANN = { by: 'ann', reason: 'too late' };

describe.concurrent.each(everyBroker('cancel'))('cancelling on %s', (_name, url) => {
  it('keeps a task from running that waits, and lets others run', async () => {
    const config = configFor(url());
    // The queue, and a task before it, without a worker.
    const { service, tasks, ends } = await start(config);
    await service.pause({ queue: config.workers[0].queue }, { by: 'ann', reason: 'test' });
    const called = await service.publish({ name: 'quick', args: [{ type: 'string', value: 'a' }], result: true });
    await service.publish('quick', 'b');
    await called.cancel(ANN);
    await service.resume({ queue: config.workers[0].queue });
    await tasks.ran.first((name) => name === 'b', 'the other one');
    await expect(called.result()).rejects.toMatchObject({ fields: { state: 'cancelled' }, cause: { code: 'ERR_DISPATCHER_CANCELLED' } });
    expect(tasks.ran.all).toEqual(['b']);
    expect(ends.all).toMatchObject([{ type: 'task.cancelled', reason: 'called off by ann: too late', task: { uuid: called.uuid } }]);
    expect(await service.depth(config.workers[0].queue)).toBe(0);
  });

  it('ends one whose name no worker knows, with its result, instead of sending it around', async () => {
    const config = configFor(url());
    const { service, ends } = await start(config);
    const [{ queue }] = config.workers;
    await service.pause({ queue }, ANN);
    const called = await service.publish({ name: 'nobody knows', args: [], result: true });
    await called.cancel(ANN);
    await service.resume({ queue });
    await expect(called.result()).rejects.toMatchObject({ fields: { state: 'cancelled' }, cause: { code: 'ERR_DISPATCHER_CANCELLED' } });
    await ends.count(1);
    expect(ends.all).toMatchObject([{ type: 'task.cancelled', reason: 'called off by ann: too late', task: { uuid: called.uuid } }]);
    expect(await service.depth(queue)).toBe(0);
  });

  it('ends a delayed one when it is due, and one between two attempts', async () => {
    const { service, tasks, ends } = await start(configFor(url()));
    const later = await service.publish({ name: 'quick', args: [{ type: 'string', value: 'later' }], delaySeconds: 5 });
    const failing = await service.publish('fails');
    await tasks.ran.count(1);
    await service.cancel([later.uuid, failing.uuid]);
    await ends.count(2);
    expect(ends.all.map(({ type }) => type)).toEqual(['task.cancelled', 'task.cancelled']);
    expect(tasks.ran.all).toEqual(['fails']);
  });

  it('asks a running one to stop, which is then neither retried nor a dead letter', async () => {
    const config = configFor(url());
    const { service, tasks, ends } = await start(config);
    const running = await service.publish({ name: 'obeys', result: true });
    await tasks.ran.count(1);
    await running.cancel(ANN);
    expect(await tasks.reasons.first(() => true, 'the signal')).toBeInstanceOf(TaskCancelledError);
    await expect(running.result()).rejects.toMatchObject({ fields: { state: 'cancelled' } });
    await ends.count(1);
    await service.publish('quick', 'next');
    await tasks.ran.count(2);
    expect(ends.all).toMatchObject([{ type: 'task.cancelled' }]);
    expect(await service.depth(`${config.workers[0].queue}.dead`)).toBe(0);
  });

  it('lets a running one succeed that does not want to stop', async () => {
    const { service, tasks, ends } = await start(configFor(url()));
    const running = await service.publish({ name: 'finishes', result: true });
    await tasks.ran.count(1);
    await running.cancel();
    expect(await running.result()).toBe('done all the same');
    expect(ends.all).toEqual([]);
  });

  it('reaches other processes, and those that start later', async () => {
    const config = configFor(url());
    const first = await start(config);
    const publisher = await start({ ...config, role: 'publisher' });
    const running = await publisher.service.publish('obeys');
    const waiting = await publisher.service.publish('quick', 'waiting');
    const delayed = await publisher.service.publish({ name: 'quick', args: [{ type: 'string', value: 'delayed' }], delaySeconds: 5 });
    await first.tasks.ran.count(1);
    await publisher.service.cancel([running.uuid, waiting.uuid, delayed.uuid], ANN);
    await first.ends.count(2);
    await first.app.close();
    const second = await start(config);
    await second.ends.count(1);
    expect([...first.tasks.ran.all, ...second.tasks.ran.all]).toEqual(['obeys']);
    expect(second.ends.all).toMatchObject([{ type: 'task.cancelled', task: { uuid: delayed.uuid } }]);
  });

  it('is forgotten after its time, and harmless where there is no such task', async () => {
    const config = configFor(url());
    const { service, tasks } = await start(config);
    const uuid = 'fb6e5a46-0000-4000-8000-000000000000';
    await service.cancel(uuid, { expiresInSeconds: 0.3 });
    await service.cancel('no-such-task');
    await service.cancel([]);
    await sleep(400);
    await service.publish({ name: 'quick', uuid, args: [{ type: 'string', value: 'after' }] });
    await tasks.ran.count(1);
    await service.cancel('another');
    // The expired one was taken away in passing.
    await eventually(() => service.depth(`${config.exchange}.control.v1.cancellations`), (depth) => depth === 2, 'the expired note to go');
  });

  it('refuses what is no uuid', async () => {
    const { service } = await start(configFor(url()));
    for (const uuid of ['', undefined, ['a', 5]] as unknown as string[]) await expect(service.cancel(uuid)).rejects.toThrow(/uuid/);
    await expect(service.cancel('a', { expiresInSeconds: -1 })).rejects.toThrow(/expiresInSeconds/);
    await expect(service.cancel('a', { by: 5 } as object)).rejects.toThrow(/by of cancel/);
  });
});

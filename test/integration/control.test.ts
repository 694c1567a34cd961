import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Task, TaskContext, type DrainProgress, type ServerConfig } from '../../lib/index.js';
import { everyBroker, oneWorker, startOn } from '../support/nest-on-broker.js';
import { Arrivals, eventually, Signal } from '../support/wait.js';

@Injectable()
class Tasks {
  readonly ran = new Arrivals<string>();
  readonly release = new Signal();
  @Task('quick') quick(name: string): void { this.ran.add(name); }
  @Task('blocks') async blocks(): Promise<void> {
    this.ran.add('blocks');
    await this.release.promise;
  }
  @Task('twice') twice(@TaskContext() context: TaskContext): void {
    this.ran.add('twice');
    if (context.attempt === 1) throw new Error('once');
  }
}

const configFor = (broker: string) => oneWorker(broker, 'control');

async function start(config: ServerConfig) {
  const { app, service } = await startOn(config, { providers: [Tasks] });
  return { app, service, tasks: app.get(Tasks) };
}

describe.concurrent.each(everyBroker('control'))('control on %s', (_name, url) => {
  it('drains what waits, runs and is retried, and tells the progress', async () => {
    const { service, tasks } = await start(configFor(url()));
    for (let i = 0; i < 20; i++) await service.publish('quick', `t${i}`);
    await service.publish({ name: 'twice', retry: { attempts: 3, delaySeconds: 0.2 } });
    const told: DrainProgress[] = [];
    await service.drain({ timeoutSeconds: 30, onProgress: (progress) => told.push(progress) });
    expect(tasks.ran.all.filter((name) => name === 'twice').length).toBe(2);
    expect(tasks.ran.all.length).toBe(22);
    expect(told.at(-1)).toMatchObject({ delayed: 0, running: 0 });
  });

  it('purges what waits while a task runs, changes the limit, and counts what is left', async () => {
    const config = configFor(url());
    const [{ queue }] = config.workers;
    const { service, tasks } = await start(config);
    await service.publish('blocks');
    await tasks.ran.count(1);
    for (let i = 0; i < 5; i++) await service.publish('quick', `t${i}`);
    await eventually(() => service.depth(queue), (depth) => depth === 5, 'all to wait');
    await expect(service.drain({ timeoutSeconds: 0 })).rejects.toMatchObject({ code: 'ERR_DISPATCHER_DRAIN_TIMEOUT', fields: { waiting: { [queue]: 5 }, running: 1 } });
    expect(await service.purge(queue)).toBe(5);
    expect(await service.depth(queue)).toBe(0);
    await service.publish('quick', 'beside');
    service.worker('w').setLimit(2);
    await tasks.ran.first((name) => name === 'beside', 'a second slot');
    tasks.release.fire();
    await service.drain({ timeoutSeconds: 30 });
    expect(tasks.ran.all).toEqual(['blocks', 'beside']);
    expect(await service.depth('no-such-queue')).toBeUndefined();
    await expect(service.purge('no-such-queue')).rejects.toMatchObject({ code: 'ERR_DISPATCHER_NOT_FOUND' });
  });

  it('pauses a queue in every process, through restarts, and says who, when and why', async () => {
    const config = configFor(url());
    const [{ queue }] = config.workers;
    const first = await start(config);
    await first.service.publish('blocks');
    await first.tasks.ran.count(1);
    const publisher = await start({ ...config, role: 'publisher' });
    await publisher.service.pause({ queue }, { by: 'ann', reason: 'broken database' });
    await publisher.service.pause({ queue }, { by: 'bob', reason: 'still broken' });
    expect(await first.service.paused()).toEqual([{ kind: 'queue', name: queue, by: 'bob', reason: 'still broken', since: expect.any(Date) }]);
    const known = await eventually(() => first.service.health().details.paused, ([pause]) => pause?.by === 'bob', 'the health to show it');
    expect(known).toEqual([{ kind: 'queue', name: queue, by: 'bob', reason: 'still broken', since: expect.stringMatching(/^\d{4}-.*Z$/) as string }]);
    expect(first.service.health().status).toBe('up');
    // Given back, and taken by nobody, while what runs may end.
    for (let i = 0; i < 3; i++) await publisher.service.publish('quick', `t${i}`);
    await eventually(() => publisher.service.depth(queue), (depth) => depth === 3, 'all to wait');
    first.tasks.release.fire();
    await first.app.close();
    const second = await start(config);
    expect(await second.service.depth(queue)).toBe(3);
    expect(await publisher.service.resume({ queue })).toBe(true);
    await second.tasks.ran.count(3);
    expect(second.tasks.ran.all).toEqual(['t0', 't1', 't2']);
    expect(await publisher.service.resume({ queue })).toBe(false);
    expect(await second.service.paused()).toEqual([]);
    expect(second.service.health().details.paused).toEqual([]);
  });

  it('pauses a worker by its name: others of its queue go on', async () => {
    const config = configFor(url());
    const [worker] = config.workers;
    const { service, tasks } = await start({ ...config, workers: [worker, { ...worker, name: 'other' }] });
    await service.pause({ worker: 'w' }, { by: 'ann', reason: 'test' });
    await service.pause({ worker: 'other' }, { by: 'ann', reason: 'test' });
    await service.publish('quick', 'a');
    expect(await service.depth(worker.queue)).toBe(1);
    await service.resume({ worker: 'other' });
    await tasks.ran.count(1);
    expect((await service.paused()).map(({ kind, name }) => [kind, name])).toEqual([['worker', 'w']]);
  });

  it('limits workers of a name in every process, those to come too, until that is taken back', async () => {
    const config = configFor(url());
    const [worker] = config.workers;
    const [first, second, publisher] = [await start(config), await start({ ...config, workers: [worker, { ...worker, name: 'other', limit: 3 }] }), await start({ ...config, role: 'publisher' })];
    const { actions } = publisher.service;
    const limitIn = ({ service }: typeof first, name = 'w') => (): Promise<number> => Promise.resolve(service.worker(name).limit);
    await expect(actions.limit('w', 0, { by: 'ann' })).rejects.toThrow('whole number from 1');
    expect(await actions.limit('*', 9, { by: 'ann', dryRun: true })).toMatchObject({ matched: 2, done: 0 });
    expect(await publisher.service.workerLimits()).toEqual([]);
    expect(await actions.limit('w', 2, { by: 'ann', reason: 'more' })).toMatchObject({ matched: 1, done: 1 });
    for (const process of [first, second]) await eventually(limitIn(process), (limit) => limit === 2, 'the limit to arrive');
    expect(second.service.worker('other').limit).toBe(3);
    expect(await second.service.workerLimits()).toEqual([{ worker: 'w', limit: 2, by: 'ann', reason: 'more', since: expect.any(Date) as Date }]);
    // Two at once, where the configuration says one; what the process itself says comes second.
    first.service.worker('w').setLimit(5);
    expect(first.service.worker('w').limit).toBe(2);
    await second.app.close();
    for (let i = 0; i < 3; i++) await publisher.service.publish('blocks');
    await first.tasks.ran.count(2);
    expect(first.service.worker('w').activity.running).toBe(2);
    const late = await start({ ...config, workers: [{ ...worker, limit: 8 }] });
    expect(late.service.worker('w').limit).toBe(2);
    for (const { tasks } of [first, late]) tasks.release.fire();
    expect(await actions.unlimit('*', { by: 'ann' })).toMatchObject({ matched: 1, done: 1 });
    await eventually(limitIn(first), (limit) => limit === 5, 'its own limit');
    await eventually(limitIn(late), (limit) => limit === 8, 'its own limit');
    expect(await actions.unlimit('w', { by: 'ann' })).toMatchObject({ matched: 0 });
  });

  it('puts off tasks of a paused name, uncharged, while others run', async () => {
    const { service, tasks } = await start(configFor(url()));
    const returned = new Arrivals<unknown>();
    service.events().subscribe((event) => { if (event.type === 'task.returned') returned.add(event); });
    await service.pause({ task: 'twice' }, { by: 'ann', reason: 'test' });
    await service.publish({ name: 'twice', retry: { attempts: 2, delaySeconds: 0 } });
    await service.publish('quick', 'beside');
    await returned.count(2);
    expect(tasks.ran.all).toEqual(['beside']);
    await service.resume({ task: 'twice' });
    await service.drain({ timeoutSeconds: 30 });
    // Both attempts were left.
    expect(tasks.ran.all).toEqual(['beside', 'twice', 'twice']);
  });

  it('refuses a pause of nothing, of two things, or by nobody', async () => {
    const { service } = await start(configFor(url()));
    const options = { by: 'ann', reason: 'test' };
    for (const target of [{}, { queue: '' }, { queue: 'q', task: 't' }, undefined] as unknown as { queue: string }[]) {
      await expect(service.pause(target, options)).rejects.toThrow(/one of them|queue of What is paused or resumed must be a text/);
    }
    await expect(service.pause({ queue: 'q' }, { by: '', reason: 'x' })).rejects.toThrow(/by of pause must be a text of 1 to/);
    await expect(service.pause({ queue: 'q' }, { by: 'x' } as typeof options)).rejects.toThrow(/pause needs reason/);
    expect(await service.paused()).toEqual([]);
  });
});

import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { chain, Task, task, TaskContext, type DispatcherService, type ServerConfig } from '../../lib/index.js';
import { bothBrokers, oneWorker, startOn } from '../support/nest-on-broker.js';
import { Ledger } from '../support/ledger.js';
import { itemAt } from '../support/present.js';
import { Arrivals, eventually } from '../support/wait.js';

/** What ran, as `<version> <arguments>`. */
const ran = (version: number, ...args: unknown[]): string => `${version} ${JSON.stringify(args)}`;

@Injectable()
class First {
  readonly done = new Arrivals<string>();
  @Task('resize', { retry: { attempts: 2, delaySeconds: 0 } })
  resize(width: number, @TaskContext() { attempt }: TaskContext): void {
    if (width === 13 && attempt === 1) throw new Error('once');
    this.done.add(ran(1, width));
  }
}

@Injectable()
class Second {
  readonly done = new Arrivals<string>();
  @Task('resize', { version: 2 })
  resize(size: { width: number }): void { this.done.add(ran(2, size)); }
}

@Injectable()
class Upgrading {
  readonly done = new Arrivals<string>();
  @Task('resize', {
    version: 2,
    upgrade: { 1: ([width]) => {
      if (typeof width !== 'number') throw new TypeError('it has no width');
      return [{ width }];
    } },
  })
  resize(size: { width: number }): void { this.done.add(ran(2, size)); }
}

@Injectable()
class Both {
  readonly done = new Arrivals<string>();
  @Task('resize')
  first(width: number): void { this.done.add(ran(1, width)); }
  @Task('resize', { version: 2, result: true })
  second(size: { width: number }): number {
    this.done.add(ran(2, size));
    return size.width;
  }
  @Task('start')
  start(): number { return 7; }
}

type Place = ServerConfig & { workers: [{ name: string; queue: string }] };
const publisherOf = async (config: Place, ...providers: (new () => object)[]): Promise<DispatcherService> => (await startOn({ ...config, role: 'publisher' }, { providers })).service;
const workerOf = async <T extends { done: Arrivals<string> }>(config: Place, provider: new () => T, grace = 60): Promise<{ service: DispatcherService; done: Arrivals<string>; stop: () => Promise<void> }> => {
  const { app, service } = await startOn({ ...config, workers: [{ ...config.workers[0], unknownTaskGraceSeconds: grace }] }, { providers: [provider] });
  return { service, done: app.get(provider).done, stop: () => app.close() };
};
const dead = (service: DispatcherService): Arrivals<string> => {
  const found = new Arrivals<string>();
  service.events({ type: 'task.dead-lettered' }).subscribe(({ reason }) => found.add(reason));
  return found;
};

describe.each(bothBrokers('task-versions'))('versions of a task on %s', (_title, url) => {
  it('side by side: the newest is published where nobody says another, and each has its handler', async () => {
    const config = oneWorker(url(), 'versions') as Place;
    const { service, done } = await workerOf(config, Both);
    const stranger = await publisherOf(config);
    await service.publish('resize', { width: 1 });
    await service.publish({ name: 'resize', version: 1, args: [{ type: 'int', value: 2 }] });
    await service.client(Both).first(3);
    expect(await (await service.client(Both).second({ width: 4 })).result({ timeoutSeconds: 30 })).toBe(4);
    await stranger.publish('resize', 5);
    await stranger.publish('resize', { args: [{ width: 6 }], version: 2, delaySeconds: 0.1 });
    expect((await done.count(6, 30_000)).sort()).toEqual([ran(1, 2), ran(1, 3), ran(1, 5), ran(2, { width: 1 }), ran(2, { width: 4 }), ran(2, { width: 6 })]);
  });

  it('what waits for a worker of old is upgraded by a new one', async () => {
    const config = oneWorker(url(), 'versions') as Place;
    const old = await publisherOf(config, First);
    for (let width = 0; width < 3; width++) await old.publish('resize', width);
    await old.publish({ name: 'resize', uuid: 'bad', args: [{ type: 'string', value: 'wide' }] });
    const { service, done } = await workerOf(config, Upgrading);
    expect((await done.count(3, 30_000)).sort()).toEqual([0, 1, 2].map((width) => ran(2, { width })));
    const { queue } = config.workers[0];
    const letters = await eventually(async () => (await service.deadLetters.list(queue)).letters, (found) => found.length === 1, 'the dead letter');
    expect(letters[0]).toMatchObject({ uuid: 'bad', reason: 'invalid-arguments', issues: ['the upgrade from version 1 to 2 threw: TypeError: it has no width'], args: [{ type: 'string', value: 'wide' }] });
    // Mended, it is still of version 1.
    await service.deadLetters.replay(queue, 'bad', { args: [{ type: 'int', value: 9 }] });
    expect(await done.count(4, 30_000)).toContain(ran(2, { width: 9 }));
  });

  it('an old worker beside a new one: each task finds its own, and nothing is lost', async () => {
    const config = oneWorker(url(), 'versions') as Place;
    const [old, young] = [await workerOf(config, First, 1), await workerOf(config, Second, 1)];
    const ledger = new Ledger();
    for (const { service } of [old, young]) service.events({ type: 'task.dead-lettered' }).subscribe(({ task: { uuid }, reason }) => ledger.add({ kind: 'dead', uuid, reason }));
    for (let width = 0; width < 10; width++) {
      const uuid = `${config.exchange}-${width}`;
      await ledger.offer(uuid, () => itemAt([old, young], width % 2).service.publish({ uuid, name: 'resize', args: [width % 2 === 0 ? { type: 'int', value: width } : { type: 'json', value: { width } }] }));
    }
    await eventually(() => old.done.all.length + young.done.all.length + ledger.dead.size, (ended) => ended === 10, 'every task to end', { limitMs: 60_000 });
    expect([...ledger.dead]).toEqual([]);
    expect([...old.done.all].sort()).toEqual([0, 2, 4, 6, 8].map((width) => ran(1, width)));
    expect([...young.done.all].sort()).toEqual([1, 3, 5, 7, 9].map((width) => ran(2, { width })));
  }, 90_000);

  it('a version that nobody takes is a dead letter that says so, and runs once it is replayed beside somebody who does', async () => {
    const config = oneWorker(url(), 'versions') as Place;
    const { queue } = config.workers[0];
    const old = await workerOf(config, First, 0);
    const reasons = dead(old.service);
    await old.service.publish({ name: 'resize', uuid: 'new', version: 2, args: [{ type: 'json', value: { width: 1 } }] });
    expect(await reasons.count(1, 30_000)).toEqual(['unsupported-version']);
    const { letters: [letter] } = await old.service.deadLetters.list(queue);
    expect(letter).toMatchObject({ uuid: 'new', reason: 'unsupported-version', error: expect.stringContaining('of version 2') as string });
    expect(letter?.error).toContain('Worker "w" takes its version 1.');
    await old.stop();
    const young = await workerOf(config, Second);
    await young.service.deadLetters.replay(queue, 'new');
    expect(await young.done.count(1, 30_000)).toEqual([ran(2, { width: 1 })]);
  });

  it('retries, delays, later steps of workflows and schedules keep their version', async () => {
    const config = oneWorker(url(), 'versions') as Place;
    const old = await publisherOf(config, First);
    const young = await publisherOf(config, Both);
    await young.schedules.add({ name: 'nightly', cron: '0 3 1 1 *', task: { name: 'resize', args: [{ type: 'json', value: { width: 1 } }] } });
    const { done, service } = await workerOf(config, Both);
    await old.publish(chain(task('start'), task('resize')));
    await young.publish(chain(task('start'), task('resize', { width: 2 }).immutable()));
    await old.publish('resize', { args: [3], delaySeconds: 0.1 });
    await old.schedules.trigger('nightly');
    expect((await done.count(4, 30_000)).sort()).toEqual([ran(1, 3), ran(1, 7), ran(2, { width: 1 }), ran(2, { width: 2 })]);
    expect((await service.deadLetters.list(config.workers[0].queue)).letters).toEqual([]);
  });

  it('newer arguments of a unique task are of the version of the one that waits', async () => {
    const config = oneWorker(url(), 'versions') as Place;
    const [old, young] = [await publisherOf(config, First), await publisherOf(config, Second)];
    const unique = { key: 'one', scope: 'untilStarted', replaceArguments: true } as const;
    const { uuid } = await old.publish({ name: 'resize', unique, args: [{ type: 'int', value: 1 }] });
    expect((await young.publish({ name: 'resize', unique, args: [{ type: 'json', value: { width: 2 } }] })).unique).toEqual({ taken: false, uuid, replaced: false });
    expect((await old.publish({ name: 'resize', unique, args: [{ type: 'int', value: 3 }] })).unique).toEqual({ taken: false, uuid, replaced: true });
    const { done } = await workerOf(config, Upgrading);
    expect(await done.count(1, 30_000)).toEqual([ran(2, { width: 3 })]);
  });

  it('a retry is of the version of its task', async () => {
    const config = oneWorker(url(), 'versions') as Place;
    const [old, young] = [await workerOf(config, First), await publisherOf(config, Second)];
    await young.publish({ name: 'resize', version: 1, args: [{ type: 'int', value: 13 }] });
    expect(await old.done.count(1, 30_000)).toEqual([ran(1, 13)]);
  });
});

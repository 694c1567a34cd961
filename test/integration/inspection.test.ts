import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable, type Type } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Arg, currentTask, DispatcherService, type FollowedEvent, type ProcessInfo, Task, TaskContext } from '../../lib/index.js';
import { everyBroker, embeddedFolder, oneWorker, ownQueue, startOn } from '../support/nest-on-broker.js';
import { startScript, type Child } from '../support/processes.js';
import { sharedRabbitMqUrl } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { onTestFinished } from '../support/test-end.js';
import { emission, eventually, Signal } from '../support/wait.js';

/** Machines that have more to do answer later. */
const OPTIONS = { timeoutMs: 3_000 };
/** Of one process alone, whose own answer is always there: nobody else is waited for. */
const ALONE = { timeoutMs: 300 };
const BROKERS = [...everyBroker('inspection'), ['embedded, in memory', () => 'embedded:'] as const];

@Injectable()
class Tasks {
  constructor(@Inject(DispatcherService) private readonly dispatcher: DispatcherService) {}

  started = new Signal();
  release = new Signal();

  @Task('add') add(): number { return 3; }
  @Task('fails', { retry: { attempts: 2, delaySeconds: 0.05 } })
  fails(@Arg(0) customer: { id: number }, @TaskContext() { logger }: TaskContext): never {
    logger.warn(`no card of ${customer.id}`);
    throw new TypeError(`customer ${customer.id} has no card`);
  }

  @Task('report', { unique: { scope: 'untilFinished', key: ([name]) => String(name) } }) report(): void { /* Nothing. */ }

  @Task('parent')
  async parent(): Promise<void> {
    await this.dispatcher.publish({ name: 'add', uuid: `${currentTask()?.uuid}-1`, args: [] });
    await this.dispatcher.publishMany([2, 3].map((index) => ({ name: 'add', uuid: `${currentTask()?.uuid}-${index}`, args: [] })));
  }

  @Task('narrow', { limits: { process: 1 } })
  async narrow(): Promise<void> {
    this.started.fire();
    await this.release.promise;
  }

  @Task('slow', { limits: { process: 3, global: 7 } })
  async slow(@TaskContext() context: TaskContext): Promise<void> {
    context.logger.log('I begin');
    context.progress(0.25, { page: 1 });
    this.started.fire();
    await this.release.promise;
  }
}

@Injectable()
class Stamping {
  constructor(@Inject(DispatcherService) dispatcher: DispatcherService) {
    dispatcher.use({ stampPublished: true });
  }
}

describe.concurrent.each(BROKERS)('inspection: %s', (_title, url) => {
  const start = async (limit = 1, more: readonly Type[] = []): Promise<{ service: DispatcherService; tasks: Tasks; queue: string; exchange: string; url: string }> => {
    const config = oneWorker(url(), 'inspect');
    config.workers[0].limit = limit;
    const { app, service } = await startOn(config, { providers: [Tasks, ...more] });
    const tasks = app.get(Tasks);
    onTestFinished(() => tasks.release.fire());
    return { service, tasks, queue: config.workers[0].queue, exchange: config.exchange, url: config.broker as string };
  };
  const json = (value: unknown): { type: 'json'; value: unknown } => ({ type: 'json', value });

  it('tells of this process, its worker and what runs', async () => {
    const { service, tasks, queue } = await start();
    const { uuid } = await service.publish({ name: 'slow', args: [json({ password: 'hunter2', kept: 9 })] });
    await tasks.started.promise;
    const [process_] = await service.inspect.processes(ALONE);
    expect(process_).toMatchObject({ status: 'alive', pid: process.pid, role: 'both', connection: 'ready', workers: [{ name: 'w', queue, limit: 1, running: 1, consuming: true, paused: false, tasks: expect.arrayContaining(['slow']) }] });
    expect(process_?.memory.rssBytes).toBeGreaterThan(1e6);
    expect(process_?.versions).toMatchObject({ node: process.versions.node, dispatcher: expect.stringMatching(/^\d/), nest: expect.stringMatching(/^\d/) });
    const [run, ...more] = await service.inspect.running({ name: 'sl*' }, ALONE);
    expect(more).toEqual([]);
    expect(run).toMatchObject({ uuid, name: 'slow', queue, worker: 'w', attempt: 1, progress: { percent: 25, text: '{"page":1}' }, args: [{ type: 'json', value: { password: '[hidden]', kept: 9 } }] });
    expect(await service.inspect.running({ name: 'other' }, ALONE)).toEqual([]);
    expect(await service.inspect.task(uuid, ALONE)).toMatchObject({ uuid, name: 'slow', where: { place: 'running', run: { uuid } }, attempts: [{ attempt: 1, worker: 'w', log: [{ level: 'log', text: 'I begin' }] }] });
  });

  it('tells what has ended, what failed and where a dead task is, with its attempts and log', async () => {
    const { service, queue } = await start();
    await service.publish('add', 1, 2);
    const uuids = [randomUUID(), randomUUID()] as const;
    for (const [index, uuid] of uuids.entries()) await service.publish({ name: 'fails', uuid, args: [json({ id: 41 + index })] });
    await eventually(() => service.inspect.recent({ state: 'failed' }, ALONE), (ended) => ended.length === 2, 'both failures');
    const recent = await service.inspect.recent({}, ALONE);
    expect(recent.map(({ name, state }) => `${name} ${state}`).sort()).toEqual(['add succeeded', 'fails failed', 'fails failed', 'fails retrying', 'fails retrying']);
    expect(await service.inspect.recent({ args: { '0.id': 42 }, state: 'failed' }, ALONE)).toMatchObject([{ uuid: uuids[1], reason: 'failed', attempt: 2, error: { name: 'TypeError', message: 'customer 42 has no card' } }]);
    expect(await service.inspect.recent({ error: 'CUSTOMER 41', limit: 1 }, ALONE)).toMatchObject([{ uuid: uuids[0], state: 'failed' }]);
    const [group, ...more] = await service.inspect.failures({}, ALONE);
    expect(more).toEqual([]);
    expect(group).toMatchObject({ name: 'fails', count: 4, dead: 2, queues: [queue], error: { name: 'TypeError', message: 'customer <number> has no card', frame: expect.stringContaining('inspection.test') } });
    expect(await service.inspect.task(uuids[0], ALONE)).toMatchObject({
      name: 'fails', where: { place: 'dead', queue, reason: 'failed' }, args: [{ value: { id: 41 } }],
      attempts: [{ attempt: 1, error: { message: 'customer 41 has no card' }, log: [{ level: 'warn', text: 'no card of 41' }] }, { attempt: 2, log: [{ text: 'no card of 41' }] }],
    });
    expect(await service.inspect.processes(ALONE)).toMatchObject([{ workers: [{ totals: { succeeded: 1, failed: 2, retried: 2, cancelled: 0 } }] }]);
  });

  it('tells what became of tasks by their names, and how long they took', async () => {
    const { service, tasks } = await start();
    await service.publish('slow');
    await tasks.started.promise;
    await pause(300);
    tasks.release.fire();
    for (let index = 0; index < 5; index++) await service.publish('add', 1, 2);
    await service.publish({ name: 'fails', args: [json({ id: 1 })] });
    const report = await eventually(() => service.inspect.tasks({}, ALONE), ({ overall: { totals } }) => totals.succeeded === 6 && totals.failed === 1, 'all to end');
    expect(report.tasks.map(({ name, totals }) => [name, totals.succeeded, totals.failed, totals.retried])).toEqual([['add', 5, 0, 0], ['fails', 0, 1, 1], ['slow', 1, 0, 0]]);
    const [add, , slow] = report.tasks;
    expect(add?.durations).toMatchObject({ count: 5 });
    expect(add?.durations.p50Ms).toBeLessThan(250);
    expect(slow?.durations.p50Ms).toBeGreaterThan(270);
    expect(report.overall).toMatchObject({ totals: { succeeded: 6, failed: 1, retried: 1 }, durations: { count: 8 } });
    expect(report.overall.durations.p99Ms).toBeGreaterThan(270);
    expect(report.overall.rate).toBeGreaterThan(0);
    expect(await service.inspect.tasks({ name: 'sl*', limit: 1 }, ALONE)).toMatchObject({ tasks: [{ name: 'slow' }], overall: { totals: { succeeded: 1, failed: 0 } } });
    await expect(service.inspect.tasks({ queue: 'q' } as object)).rejects.toThrow(/by name and process alone; found the condition "queue"/);
  });

  it('tells which unique keys and places are held, by what runs and by what waits, and frees a key by hand', async () => {
    const { service, tasks } = await start();
    const slow = await service.publish('slow');
    await tasks.started.promise;
    const [first, second] = [await service.publish('report', 'ann'), await service.publish('report', 'bob')];
    const locks = await eventually(() => service.inspect.locks({}, ALONE), (found) => found.filter(({ state }) => state === 'held').length === 2, 'both keys to be held');
    const unique = (name: string): string => `key:${name}`;
    expect(locks).toMatchObject([
      { kind: 'unique', name: 'report', key: expect.stringContaining(unique('bob')), most: 1, holders: [{ uuid: second.uuid }] },
      { kind: 'unique', name: 'report', key: expect.stringContaining(unique('ann')), holders: [{ uuid: first.uuid }] },
      { kind: 'limit', name: 'slow', limit: 'process', most: 3, holders: [{ uuid: slow.uuid, worker: 'w', pid: process.pid }] },
      { kind: 'limit', name: 'slow', limit: 'global', most: 7, holders: [{ uuid: slow.uuid }] },
    ]);
    expect(await service.inspect.locks({ name: 'sl*' }, ALONE)).toHaveLength(2);
    const key = locks[0]?.key as string;
    expect((await service.publish('report', 'bob')).unique).toMatchObject({ taken: false, uuid: second.uuid });
    await expect(service.releaseUnique('workflow:1', { by: 'ada', reason: 'a test' })).rejects.toThrow(/begins with "unique:"/);
    expect(await service.releaseUnique(key, { by: 'ada', reason: 'a test' })).toBe(true);
    expect(await service.releaseUnique(key, { by: 'ada', reason: 'a test' })).toBe(false);
    expect(await service.inspect.locks({ key }, ALONE)).toEqual([]);
    expect(await service.inspect.audit({ action: 'unique.*' }, ALONE)).toMatchObject([{ by: 'ada', count: 0 }, { by: 'ada', what: { key }, count: 1 }, { error: expect.any(String) }]);
    expect((await service.publish('report', 'bob')).unique).toEqual({ taken: true });
    tasks.release.fire();
    await eventually(() => service.inspect.locks({}, ALONE), (found) => found.length === 0, 'all to be free');
  });

  it('tells who holds a key that somebody else has taken', async () => {
    const { service, queue, exchange, url: broker } = await start();
    const { service: other } = await startOn({ broker, exchange, defaultRoutingKey: 'key', role: 'publisher', inspection: { enabled: false }, initQueues: [{ name: queue, bindingKeys: ['key'] }] });
    await service.pause({ queue }, { by: 'ada', reason: 'a test' });
    const { uuid } = await other.publish({ name: 'report', args: [{ type: 'string', value: 'eve' }], unique: { scope: 'untilFinished', key: 'eve' } });
    const key = `unique:${exchange}:report:key:eve`;
    const found = await service.inspect.locks({ key }, ALONE);
    // What is kept in the memory of a process is its own.
    expect(found).toMatchObject(broker === 'embedded:' ? [] : [{ kind: 'unique', key, state: 'held', until: expect.any(Number), holders: [{ uuid }] }]);
  });

  it('tells all of an overview at once, and how long the oldest has waited where the broker can know it', async () => {
    const { service, tasks, queue, url: broker } = await start(1, [Stamping]);
    await service.publish('slow');
    await tasks.started.promise;
    const before = Date.now();
    for (let index = 0; index < 3; index++) await service.publish('add', index);
    await eventually(() => service.depth(queue), (depth) => depth === 3 || depth === 2, 'those that wait');
    await pause(600);
    const { processes, queues: { queues }, running } = await service.inspect.overview({ ...ALONE, running: 5 });
    expect(processes).toMatchObject([{ status: 'alive', pid: process.pid, workers: [{ name: 'w', queue, running: 1, totals: { succeeded: 0 } }], running: [{ name: 'slow' }] }]);
    expect(running).toMatchObject([{ name: 'slow', queue }]);
    expect(queues).toMatchObject([{ name: queue, running: 1, consumers: 1, history: [{ received: expect.any(Number) }] }]);
    const oldest = queues[0]?.oldestWaitMs;
    if (broker.startsWith('amqp')) expect(oldest).toBeUndefined();
    else {
      expect(oldest).toBeGreaterThanOrEqual(600);
      expect(oldest).toBeLessThanOrEqual(Date.now() - before + 1);
    }
    // As `queues` tells it.
    expect((await service.inspect.queues(ALONE)).queues[0]?.oldestWaitMs === undefined).toBe(oldest === undefined);
    tasks.release.fire();
    const later = await eventually(() => service.inspect.overview(ALONE), ({ queues: { queues: [one] } }) => one?.history.reduce((sum, { succeeded }) => sum + succeeded, 0) === 4, 'all to end');
    expect(later).not.toHaveProperty('running');
    expect(later.queues.queues[0]).not.toHaveProperty('oldestWaitMs');
    await expect(service.inspect.overview({ running: 0 })).rejects.toThrow(/running of inspection must be a whole number from 1/);
  });

  it('tells which tasks wait first, how many are delayed and until when, and what is tried again', async () => {
    const { service, tasks, queue } = await start();
    await service.publish('slow');
    await tasks.started.promise;
    const secret = randomUUID();
    await service.publish({ name: 'add', uuid: secret, args: [json({ password: 'hunter2', kept: 9 })], expiresInSeconds: 600 });
    for (let index = 0; index < 60; index++) await service.publish('add', index);
    const before = await service.inspect.delayed();
    await service.publish({ name: 'add', args: [], delaySeconds: 30 * 86_400 });
    await service.publish({ name: 'add', args: [], delaySeconds: 6 });
    const delayed = await eventually(() => service.inspect.delayed(), ({ within, later }) => within[0]!.count > before.within[0]!.count && later > before.later, 'what is delayed');
    expect(delayed.within.map(({ withinMs }) => withinMs).slice(0, 2)).toEqual([10_000, 60_000]);
    const report = await eventually(() => service.inspect.waiting(queue), ({ waiting = 0 }) => waiting >= 61, 'what waits');
    expect(report).not.toHaveProperty('unseen');
    expect(report.tasks).toHaveLength(50);
    expect(report.tasks[0]).toEqual({ queue, position: 0, uuid: secret, name: 'add', attempt: 1, args: [{ type: 'json', value: { password: '[hidden]', kept: 9 } }], argsBytes: expect.any(Number), expiresAt: expect.any(Number), since: expect.any(Number) });
    expect(report.tasks.map(({ position }) => position)).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect((await service.inspect.waiting(queue, { peek: 2 })).tasks).toHaveLength(2);
    expect(await service.inspect.waiting('nowhere')).toMatchObject({ tasks: [] });
    expect(await service.depth(queue)).toBe(report.waiting);
    await service.purge(queue);
    tasks.release.fire();
    const uuid = randomUUID();
    await service.publish({ name: 'fails', uuid, args: [json({ id: 43 })], retry: { attempts: 2, delaySeconds: 300 } });
    const [end, ...more] = await eventually(() => service.inspect.retrying({}, ALONE), (ends) => ends.length > 0, 'a task to be tried again');
    expect(more).toEqual([]);
    expect(end).toMatchObject({ uuid, name: 'fails', attempt: 1, state: 'retrying', error: { message: 'customer 43 has no card' } });
    expect(await service.inspect.retrying({ error: 'another' }, ALONE)).toEqual([]);
    expect(await service.inspect.retrying({ args: { '0.id': 43 } }, ALONE)).toHaveLength(1);
  });

  it('tells which tasks a handler has published, and whose handler has published a task', async () => {
    const { service } = await start();
    const { uuid } = await service.publish('parent');
    const child = await eventually(() => service.inspect.task(`${uuid}-3`, ALONE), ({ where }) => where.place === 'ended', 'the last child');
    expect(child).toMatchObject({ parent: uuid });
    expect(child).not.toHaveProperty('children');
    expect(await service.inspect.task(uuid, ALONE)).toMatchObject({ children: [`${uuid}-1`, `${uuid}-2`, `${uuid}-3`] });
    expect(await service.inspect.task(uuid, ALONE)).not.toHaveProperty('parent');
  });

  it('tells why a task was put off: which limit, and who holds its places', async () => {
    const { service, tasks } = await start(2);
    const first = await service.publish('narrow');
    await tasks.started.promise;
    const second = await service.publish('narrow');
    const info = await eventually(() => service.inspect.task(second.uuid, ALONE), ({ where }) => where.place === 'delayed', 'the second one to be put off');
    expect(info).toMatchObject({ name: 'narrow', where: { place: 'delayed', dueAt: expect.any(Number) }, attempts: [] });
    expect(info.waitsFor).toEqual([expect.stringMatching(/^It was put off: .*limit/i), expect.stringMatching(new RegExp(`^All 1 places of its limit ".*" are taken, by ${first.uuid} \\(worker "w", .*:${process.pid}\\)\\.$`))]);
    tasks.release.fire();
    await eventually(() => service.inspect.task(second.uuid, ALONE), ({ where, waitsFor }) => where.place === 'ended' && waitsFor.length === 0, 'the second one to have run');
  });

  it('finds a task that is published for later by its uuid, and no more of it once it is due', async () => {
    const { service } = await start();
    const from = Date.now();
    const { uuid } = await service.publish({ name: 'add', delaySeconds: 4_000, args: [] });
    const info = await service.inspect.task(uuid, ALONE);
    expect(info).toMatchObject({ name: 'add', where: { place: 'delayed', dueAt: expect.any(Number) as number }, attempts: [] });
    expect((info.where as { dueAt: number }).dueAt - from).toBeGreaterThanOrEqual(4_000_000);
    expect(info.waitsFor).toEqual([expect.stringMatching(/^It was put off: it was published for later/)]);
    const soon = await service.publish({ name: 'add', delaySeconds: 0.05, args: [] });
    await eventually(() => service.inspect.task(soon.uuid, ALONE), ({ where, waitsFor }) => where.place === 'ended' && waitsFor.length === 0, 'the other one to have run');
  });

  it('tells of queues, and why a task waits', async () => {
    const { service, tasks, queue } = await start();
    await service.publish('slow');
    await tasks.started.promise;
    const waiting = Array.from({ length: 3 }, () => randomUUID());
    for (const uuid of waiting) await service.publish({ name: 'add', uuid, args: [] });
    await service.publish({ name: 'add', args: [], delaySeconds: 600 });
    await service.pause({ queue }, { by: 'ada', reason: 'a test' });
    const report = await eventually(() => service.inspect.queues(ALONE), ({ queues, delayed }) => queues[0]?.waiting === 3 && delayed === 1, 'what waits');
    expect(report.queues).toMatchObject([{ name: queue, type: 'classic', waiting: 3, running: 1, dead: 0, pause: { by: 'ada' } }]);
    expect(report.queues[0]?.history.reduce((sum, { received }) => sum + received, 0)).toBeGreaterThanOrEqual(1);
    const info = await service.inspect.task(waiting[2] as string, ALONE);
    expect(info).toMatchObject({ name: 'add', where: { place: 'waiting', queue, position: 2 } });
    expect(info.waitsFor.join(' ')).toMatch(/paused by ada: a test.*2 tasks stand before it/s);
    expect((await service.inspect.task(randomUUID(), ALONE)).where).toMatchObject({ place: 'unknown', looked: expect.arrayContaining([`the first 100 of the queue "${queue}"`]) });
    expect(await service.depth(queue)).toBe(3);
  });
});

describe.concurrent.each(everyBroker('inspection'))('inspection of several processes: %s', (_title, url) => {
  const startAll = async (count: number): Promise<{ service: DispatcherService; children: Child[]; queue: string }> => {
    const broker = url();
    const { exchange, queue } = ownQueue(broker, 'inspect');
    const config = { broker, exchange, defaultRoutingKey: 'key', shutdownTimeoutSeconds: 2, workers: [{ name: 'w', queue, bindingKeys: ['key'], limit: 1 }] };
    const children = Array.from({ length: count }, () => startScript('test/integration/apps/inspected.ts', { env: { INSPECTED_CONFIG: JSON.stringify(config) } }));
    onTestFinished(async () => { await Promise.all(children.map((child) => child.stop())); });
    await Promise.all(children.map((child) => child.line(/^ready$/, 60_000)));
    const { service } = await startOn({ ...config, workers: [], initQueues: [{ name: queue, bindingKeys: ['key'] }], role: 'publisher' });
    return { service, children, queue };
  };
  const byPid = (processes: readonly ProcessInfo[], pid: number): ProcessInfo | undefined => processes.find((one) => one.pid === pid);

  it('sees all of them from a publisher, and says within 15 s which was killed, with what it ran; who ends in order is gone', async () => {
    const { service, children: [killed, ended, other] } = await startAll(3);
    const uuids = Array.from({ length: 3 }, () => randomUUID());
    for (const uuid of uuids) await service.publish({ name: 'work', uuid, args: [{ type: 'int', value: 120_000 }] });
    const running = await eventually(() => service.inspect.running({}, OPTIONS), (runs) => runs.length === 3, 'all three to run');
    expect(running.map(({ uuid }) => uuid).sort()).toEqual([...uuids].sort());
    const before = await eventually(() => service.inspect.processes(OPTIONS), (processes) => processes.filter((one) => one.running.length === 1).length === 3, 'four processes that say what they run');
    expect(before.map(({ role, status }) => `${role} ${status}`).sort()).toEqual(['both alive', 'both alive', 'both alive', 'publisher alive']);
    const ran = byPid(before, killed?.pid as number)?.running[0]?.uuid;
    const killedAt = Date.now();
    killed?.kill();
    const after = await eventually(() => service.inspect.processes(OPTIONS), (processes) => byPid(processes, killed?.pid as number)?.status === 'lost', 'the killed one to be lost', { everyMs: 500 });
    expect(Date.now() - killedAt).toBeLessThan(15_000);
    expect(byPid(after, killed?.pid as number)).toMatchObject({ running: [{ uuid: ran, name: 'work', progress: { percent: 50, text: 'half' } }] });
    expect([ended, other].map((child) => byPid(after, child?.pid as number)?.status)).toEqual(['alive', 'alive']);
    ended?.signal('SIGTERM');
    await eventually(() => service.inspect.processes(OPTIONS), (processes) => byPid(processes, ended?.pid as number) === undefined, 'the ended one to be gone', { limitMs: 60_000 });
  });
});

describe.concurrent.each(everyBroker('inspection'))('events of several processes: %s', (_title, url) => {
  it('are followed from a publisher, and each step of each task while somebody asks for those', async () => {
    const broker = url();
    const { exchange, queue } = ownQueue(broker, 'follow');
    const config = { broker, exchange, defaultRoutingKey: 'key', shutdownTimeoutSeconds: 2, workers: [{ name: 'w', queue, bindingKeys: ['key'], limit: 1 }] };
    const children = [1, 2].map(() => startScript('test/integration/apps/inspected.ts', { env: { INSPECTED_CONFIG: JSON.stringify(config) } }));
    onTestFinished(async () => { await Promise.all(children.map((child) => child.stop())); });
    await Promise.all(children.map((child) => child.line(/^ready$/, 60_000)));
    const { service } = await startOn({ ...config, workers: [], initQueues: [{ name: queue, bindingKeys: ['key'] }], role: 'publisher' });
    const all: FollowedEvent[] = [];
    const steps: FollowedEvent[] = [];
    service.inspect.events().subscribe((event) => all.push(event));
    const following = service.inspect.events({ type: ['task.st*', 'task.succeeded'], name: 'wo*', queue }).subscribe((event) => steps.push(event));
    // Until both have heard that somebody follows.
    await eventually(async () => {
      await Promise.all([1, 2].map(() => service.publish('work', 400)));
      await pause(800);
      return new Set(steps.map(({ pid }) => pid));
    }, (pids) => children.every(({ pid }) => pids.has(pid as number)), 'steps of both processes');
    expect(steps[0]).toMatchObject({ level: 'debug', origin: 'task', task: { name: 'work', queue, worker: 'w', attempt: 1 } });
    expect([...new Set(steps.map(({ type }) => type))].sort()).toEqual(['task.started', 'task.succeeded']);
    following.unsubscribe();
    const [ended] = children;
    ended?.signal('SIGTERM');
    const stopped = await eventually(async () => all.find(({ type }) => type === 'worker.stopped'), (event) => event !== undefined, 'the end of a worker elsewhere');
    expect(stopped).toMatchObject({ pid: ended?.pid, fields: { worker: 'w', queue }, text: 'Worker "w" has stopped.' });
    expect(all.filter(({ type }) => type.startsWith('task.'))).toEqual([]);
  });
});

describe.concurrent.each(everyBroker('inspection'))('the history of ended tasks: %s', (_title, url) => {
  it('is found after all processes that ran them have gone, by the same filters', async () => {
    const config = { ...oneWorker(url(), 'inspect'), resultBackend: embeddedFolder('history'), inspection: { history: { keepDays: 2, states: ['failed', 'succeeded'] as const } } };
    const { app, service } = await startOn(config, { providers: [Tasks] });
    const uuids = [randomUUID(), randomUUID()] as const;
    for (const [index, uuid] of uuids.entries()) await service.publish({ name: 'fails', uuid, args: [{ type: 'json', value: { id: 41 + index, password: 'hunter2' } }] });
    await service.publish('add');
    await eventually(() => service.inspect.tasks({}, ALONE), ({ overall: { totals } }) => totals.failed === 2 && totals.succeeded === 1, 'all to end');
    await app.close();
    const { broker, exchange, defaultRoutingKey, resultBackend, inspection, workers: [{ queue }] } = config;
    const asker = { broker, exchange, defaultRoutingKey, resultBackend, role: 'publisher' as const, initQueues: [{ name: queue, bindingKeys: ['key'] }] };
    const { service: later } = await startOn({ ...asker, inspection });
    const found = await later.inspect.recent({}, ALONE);
    expect(found.map(({ name, state }) => `${name} ${state}`).sort()).toEqual(['add succeeded', 'fails failed', 'fails failed']);
    expect(await later.inspect.recent({ args: { '0.id': 42 }, error: 'no card' }, ALONE)).toMatchObject([{
      uuid: uuids[1], attempt: 2, queue, worker: 'w', args: [{ value: { id: 42, password: '[hidden]' } }], log: [{ text: 'no card of 42' }],
    }]);
    const [newest, ...older] = found;
    expect(await later.inspect.recent({ before: newest?.endedAt as number, limit: 10 }, ALONE)).toEqual(older.filter(({ endedAt }) => endedAt < (newest?.endedAt ?? 0)));
    const { service: without } = await startOn(asker);
    expect(await without.inspect.recent({}, ALONE)).toEqual([]);
  });
});

describe.concurrent('inspection while RabbitMQ is away', () => {
  it('tells of this process, blames nobody, and recovers by itself', async () => {
    const { proxy, url } = await TcpProxy.before(sharedRabbitMqUrl());
    onTestFinished(() => proxy.close());
    const { exchange, queue } = ownQueue(sharedRabbitMqUrl(), 'inspect');
    const config = { exchange, defaultRoutingKey: 'key', workers: [{ name: 'w', queue, bindingKeys: ['key'] }] };
    const { service } = await startOn({ ...config, broker: url, reconnectionIntervalSeconds: 0.1 });
    await startOn({ ...config, broker: sharedRabbitMqUrl() });
    const both = (processes: readonly ProcessInfo[]): boolean => processes.length === 2 && processes.every(({ status }) => status === 'alive');
    await eventually(() => service.inspect.processes(OPTIONS), both, 'both processes');
    proxy.set('reset');
    await emission(service.states, ({ status }) => status !== 'ready', 'the connection to be lost');
    const alone = await service.inspect.processes(OPTIONS);
    expect(alone.map(({ status }) => status)).toEqual(['alive', 'alive']);
    expect(alone.filter(({ connection }) => connection === 'ready')).toHaveLength(1);
    proxy.set('pass');
    await eventually(() => service.inspect.processes(OPTIONS), (processes) => both(processes) && processes.every(({ connection }) => connection === 'ready'), 'both again');
  });
});

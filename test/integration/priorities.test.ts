import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Task, type DispatcherService, type Priority, type ServerConfig, type TaskMap, type WorkerConfig } from '../../lib/index.js';
import { everyBroker, ownQueue, startOn } from '../support/nest-on-broker.js';
import { Arrivals, eventually, Signal } from '../support/wait.js';

const brokers: [string, () => string][] = [...everyBroker('priorities'), ['embedded, in memory', () => 'embedded:']];

interface Bed { service: DispatcherService; queue: string; worker: WorkerConfig; config: ServerConfig }

/** A publisher, and the names of a queue for workers that the test makes. */
async function bed(url: string, worker: Partial<WorkerConfig> = {}): Promise<Bed> {
  const { exchange, queue } = ownQueue(url, 'priorities', ['high', 'low', 'lines', ...['a', 'b', 'c', 'plain'].map((name) => `task.${name}`)]);
  const config = { broker: url, exchange, defaultRoutingKey: 'key', shutdownTimeoutSeconds: 10 };
  return { ...await startOn(config), queue, config, worker: { name: 'w', queue, bindingKeys: ['key'], limit: 1, priorities: true, ...worker } };
}

/** Notes what starts; `milliseconds` of 0 end at once. */
function recording(milliseconds: number, names: readonly string[] = ['a']): { tasks: TaskMap; ran: Arrivals<string> } {
  const ran = new Arrivals<string>();
  const run = (label: string): void | Promise<void> => {
    ran.add(label);
    if (milliseconds > 0) return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
  };
  return { ran, tasks: Object.fromEntries(names.map((name) => [name, { function: run }])) };
}

async function send({ service }: Bed, priority: Priority, count: number, name = 'a'): Promise<void> {
  const outcomes = await service.publishMany(Array.from({ length: count }, () => ({ name, priority, args: [{ type: 'string' as const, value: priority }] })));
  expect(outcomes.filter(({ accepted }) => !accepted)).toEqual([]);
}

function counts(labels: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const label of labels) found[label] = (found[label] ?? 0) + 1;
  return found;
}

describe.each(brokers)('levels on %s', (_name, url) => {
  it('starts one of high priority before two thousand that wait', async () => {
    const test = await bed(url());
    const { tasks, ran } = recording(5);
    const worker = await test.service.createWorker(test.worker, tasks);
    await send(test, 'low', 2000);
    await send(test, 'normal', 50);
    await worker.start();
    await ran.count(40);
    const before = ran.all.length;
    await send(test, 'high', 1);
    await ran.first((label) => label === 'high', 'the urgent one');
    // What ran while it was published, what ran already, and at most one turn of another level.
    expect(ran.all.indexOf('high') - before).toBeLessThan(30);
    await worker.close();
  });

  it.each([['short', 1, 630], ['long', 60, 42]])('shares 16 : 4 : 1 while all levels have tasks, which are %s', async (_length, milliseconds, starts) => {
    const test = await bed(url());
    const { tasks, ran } = recording(milliseconds as number);
    const worker = await test.service.createWorker(test.worker, tasks);
    for (const level of ['low', 'normal', 'high'] as const) await send(test, level, starts as number);
    await worker.start();
    await ran.count(starts as number, 60_000);
    const found = counts(ran.all.slice(0, starts as number));
    const slack = Math.max(1.5, (starts as number) * 0.1 * (1 / 21));
    expect(Math.abs((found.low ?? 0) - (starts as number) / 21)).toBeLessThanOrEqual(slack);
    expect(Math.abs((found.high ?? 0) / (starts as number) - 16 / 21)).toBeLessThanOrEqual(0.1 * 16 / 21);
    expect(Math.abs((found.normal ?? 0) / (starts as number) - 4 / 21)).toBeLessThanOrEqual(0.1 * 4 / 21 + 1 / (starts as number));
    await worker.close();
  });

  it('runs every level when the others are empty, with all slots', async () => {
    const test = await bed(url(), { limit: 5 });
    const release = new Signal();
    const started = new Arrivals<string>();
    const worker = await test.service.createWorker(test.worker, { a: { function: (label: string) => { started.add(label); return release.promise; } } });
    await worker.start();
    for (const level of ['low', 'high', 'normal'] as const) await send(test, level, 2);
    await started.count(5);
    expect(await eventually(() => test.service.depth(test.queue), (depth) => depth !== undefined && depth <= 1, 'one to wait')).toBeLessThanOrEqual(1);
    release.fire();
    await started.count(6);
    await test.service.drain({ timeoutSeconds: 20 });
    await worker.close();
  });

  it('keeps the level through retry, delay, death and replay', async () => {
    const test = await bed(url());
    const queues = new Arrivals<string>();
    let mayEnd = false;
    const worker = await test.service.createWorker(test.worker, { a: { function: () => { if (!mayEnd) throw new Error('not yet'); }, retry: { attempts: 2, delaySeconds: 0.05 } } });
    test.service.events().subscribe((event) => {
      if (event.type === 'task.failed' || event.type === 'task.dead-lettered') queues.add(`${event.type} ${event.task.queue.slice(test.queue.length)}`);
    });
    await worker.start();
    await test.service.publish({ name: 'a', priority: 'high', delaySeconds: 0.1, uuid: 'u1' });
    await queues.count(3);
    expect(queues.all).toEqual(['task.failed .high', 'task.failed .high', 'task.dead-lettered .high']);
    const { letters: [letter] } = await test.service.deadLetters.list(test.queue);
    expect(letter).toMatchObject({ uuid: 'u1', queue: `${test.queue}.high`, attempt: 2 });
    await worker.close();
    expect(await test.service.deadLetters.replay(test.queue, 'u1')).toBe(true);
    expect(await test.service.depth(test.queue)).toBe(1);
    mayEnd = true;
    const again = await test.service.createWorker({ ...test.worker, name: 'again' }, { a: { function: () => queues.add('ran') } });
    await again.start();
    await queues.first((line) => line === 'ran', 'the replayed task');
    await again.close();
  });

  it('sends to the queue itself where no worker has levels, delayed tasks too', async () => {
    const test = await bed(url(), { priorities: false });
    const { tasks, ran } = recording(0);
    const worker = await test.service.createWorker(test.worker, tasks);
    await worker.start();
    await send(test, 'high', 2);
    await send(test, 'low', 1);
    await test.service.publish({ name: 'a', priority: 'high', delaySeconds: 0.05, args: [{ type: 'string', value: 'delayed' }] });
    await ran.count(4);
    expect(counts(ran.all)).toEqual({ high: 2, low: 1, delayed: 1 });
    await expect(test.service.publish({ name: 'a', priority: 'high', routingKey: 'nobody' })).rejects.toMatchObject({ code: 'ERR_DISPATCHER_UNROUTABLE' });
    await expect(test.service.publish({ name: 'a', priority: 'urgent' as 'high' })).rejects.toThrow(/low, normal, high/);
    await worker.close();
  });

  it('works off what is left in the levels when a worker no longer has them, and counts and purges them', async () => {
    const test = await bed(url());
    const { tasks, ran } = recording(0);
    await test.service.createWorker(test.worker, tasks);
    await send(test, 'high', 3);
    await send(test, 'low', 2);
    await send(test, 'normal', 1);
    expect(await test.service.depth(test.queue)).toBe(6);
    expect(await test.service.purge(test.queue)).toBe(6);
    await send(test, 'low', 2);
    const later = await test.service.createWorker({ ...test.worker, name: 'later', priorities: false }, tasks);
    await later.start();
    await ran.count(2);
    await later.close();
    // A process that has no worker of it sees them too.
    await send(test, 'high', 2);
    const { service } = await startOn(test.config);
    if (test.config.broker !== 'embedded:') expect(await service.depth(test.queue)).toBe(2);
  });

  it('stops all of its queues for a pause, and gives back what has not started', async () => {
    const test = await bed(url());
    const release = new Signal();
    const started = new Arrivals<string>();
    const worker = await test.service.createWorker(test.worker, { a: { function: (label: string) => { started.add(label); return release.promise; } } });
    await worker.start();
    for (const level of ['low', 'high', 'normal'] as const) await send(test, level, 3);
    await started.count(1);
    await test.service.pause({ queue: test.queue }, { by: 'ann', reason: 'test' });
    await eventually(() => test.service.depth(test.queue), (depth) => depth === 8, 'all that have not started to be back');
    await test.service.resume({ queue: test.queue });
    release.fire();
    await started.count(9);
    await test.service.drain({ timeoutSeconds: 20 });
    await worker.close();
  });
});

@Injectable()
class Unused {
  @Task('unused') unused(): void { /* only its options matter */ }
}

describe('levels, refused', () => {
  it('refuses priorities that are no boolean', async () => {
    const config = { broker: 'embedded:', exchange: 'e', defaultRoutingKey: 'k', workers: [{ name: 'w', queue: 'q', priorities: 'yes' as unknown as boolean }] };
    await expect(startOn(config, { providers: [Unused] })).rejects.toThrow(/priorities must be true or false/);
  });
});

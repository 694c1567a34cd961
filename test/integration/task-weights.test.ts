import { describe, expect, it } from 'vitest';
import type { DispatcherService, ServerConfig, TaskMap, WorkerConfig } from '../../lib/index.js';
import { everyBroker, ownQueue, startOn } from '../support/nest-on-broker.js';
import { Arrivals, eventually, Signal } from '../support/wait.js';

const WEIGHTS = { a: 5, b: 2, c: 1 } as const;
const NAMES = ['a', 'b', 'c'] as const;

interface Bed { service: DispatcherService; queue: string; worker: WorkerConfig; config: ServerConfig }

async function bed(url: string, worker: Partial<WorkerConfig> = {}): Promise<Bed> {
  const { exchange, queue } = ownQueue(url, 'weights', ['high', 'low', 'lines', ...NAMES.map((name) => `task.${name}`)]);
  const config = { broker: url, exchange, defaultRoutingKey: 'key', shutdownTimeoutSeconds: 10 };
  return { ...await startOn(config), queue, config, worker: { name: 'w', queue, bindingKeys: ['key'], limit: 1, ...worker } };
}

/** `begin`: what those wait for that start before it. */
function weighted(milliseconds = 0, weights: Partial<Record<string, number>> = WEIGHTS, begin?: Promise<void>): { tasks: TaskMap; ran: Arrivals<string> } {
  const ran = new Arrivals<string>();
  let begun = begin === undefined;
  void begin?.then(() => { begun = true; });
  const task = (name: string) => ({
    weight: weights[name],
    function: async (label: string) => {
      ran.add(`${name} ${label}`);
      if (!begun) await begin;
      return milliseconds > 0 ? new Promise<void>((resolve) => { setTimeout(resolve, milliseconds); }) : undefined;
    },
  });
  return { ran, tasks: Object.fromEntries(NAMES.map((name) => [name, task(name)])) };
}

/** All of `c` first, then `b`, then `a`: in the order of arrival the lightest would start first. */
async function sendEach({ service }: Bed, count: number): Promise<void> {
  for (const name of [...NAMES].reverse()) {
    const outcomes = await service.publishMany(Array.from({ length: count }, (_, index) => ({ name, args: [{ type: 'string' as const, value: `${index}` }] })));
    expect(outcomes.filter(({ accepted }) => !accepted)).toEqual([]);
  }
}

function counts(ran: readonly string[]): Record<string, number> {
  const found: Record<string, number> = { a: 0, b: 0, c: 0 };
  for (const line of ran) found[line[0] as string] = (found[line[0] as string] ?? 0) + 1;
  return found;
}

/** Within 10 %, and one for the rounding of small numbers. */
function areShares(found: Record<string, number>): boolean {
  const starts = NAMES.reduce((sum, name) => sum + (found[name] ?? 0), 0);
  return NAMES.every((name) => Math.abs((found[name] ?? 0) - (starts * WEIGHTS[name]) / 8) <= Math.max(1, (starts * WEIGHTS[name]) / 80));
}

/** Some of what was started, from one number on to another. */
function windowsOf(ran: readonly string[], from: number, starts: number, windows: number): Record<string, number>[] {
  return Array.from({ length: windows }, (_, index) => counts(ran.slice(from + index * starts, from + (index + 1) * starts)));
}

describe.each(everyBroker('weights'))('weights on %s', (_name, url) => {
  it.each([['short', 0, 1, 800, 250, 3], ['short, in many slots', 1, 10, 800, 250, 3], ['long', 60, 2, 60, 40, 1]])(
    'shares 5 : 2 : 1 while all names have tasks, which are %s', async (_length, milliseconds, limit, each, starts, windows) => {
      const test = await bed(url(), { limit });
      const sorted = new Signal();
      const { tasks, ran } = weighted(milliseconds, WEIGHTS, sorted.within(60_000, 'the name sent last to be sorted'));
      const worker = await test.service.createWorker(test.worker, tasks);
      await sendEach(test, each);
      await worker.start();
      // What starts before the last name is sorted is no contention of all: it fills the slots, and waits.
      await eventually(() => test.service.depth(`${test.queue}.task.a`), (depth) => (depth ?? 0) >= each * 0.75, 'the name sent last to be sorted', { limitMs: 60_000 });
      await ran.count(limit);
      const before = ran.all.length;
      sorted.fire();
      await ran.count(before + windows * starts, 60_000);
      // Tasks that take nothing run dry what is here of their line while a busy machine keeps the next ones waiting: in one window it does not.
      const found = windowsOf(ran.all, before, starts, windows);
      expect(found.filter(areShares), JSON.stringify(found)).not.toEqual([]);
      await test.service.drain({ timeoutSeconds: 40 });
      // Nothing lost, nothing twice, and those of one name in their order.
      for (const name of NAMES) {
        const own = ran.all.filter((line) => line.startsWith(name)).map((line) => Number(line.slice(2)));
        expect(own.length).toBe(each);
        if (limit === 1) expect(own).toEqual(own.map((_, index) => index));
      }
      await worker.close();
    });

  it('keeps uuid, attempt and headers, and returns retries to the queue of their name', async () => {
    const test = await bed(url());
    const seen = new Arrivals<unknown>();
    test.service.events().subscribe((event) => {
      if (event.type === 'task.failed' || event.type === 'task.dead-lettered') seen.add([event.type, event.task.uuid, event.task.attempt, event.task.queue.slice(test.queue.length)]);
    });
    const worker = await test.service.createWorker(test.worker, {
      a: { weight: 3, retry: { attempts: 2, delaySeconds: 0.05 }, function: () => { throw new Error('no'); } },
    });
    await worker.start();
    await test.service.publish({ name: 'a', uuid: 'u1', headers: { mine: 'x' } });
    await seen.count(3);
    expect(seen.all).toEqual([
      ['task.failed', 'u1', 1, '.task.a'], ['task.failed', 'u1', 2, '.task.a'], ['task.dead-lettered', 'u1', 2, '.task.a'],
    ]);
    const { letters } = await test.service.deadLetters.list(test.queue);
    expect(letters).toMatchObject([{ uuid: 'u1', headers: { mine: 'x' }, routingKey: 'key', exchange: test.config.exchange }]);
    await worker.close();
  });

  it('makes a dead letter of a name that nobody knows, and of a body that is no task, as without weights', async () => {
    const test = await bed(url(), { unknownTaskGraceSeconds: 0 });
    const dead = new Arrivals<unknown>();
    test.service.events().subscribe((event) => { if (event.type === 'task.dead-lettered') dead.add(event.reason); });
    const { tasks, ran } = weighted();
    const worker = await test.service.createWorker(test.worker, tasks);
    await worker.start();
    await test.service.publish('nobody');
    await dead.count(1);
    await test.service.publish('b', 'after');
    await ran.count(1);
    expect(dead.all).toEqual(['unknown-task']);
    await worker.close();
  });

  it('works off the queues of names after the weights are gone, and after a task itself is gone', async () => {
    const test = await bed(url());
    const { tasks, ran } = weighted(5);
    const worker = await test.service.createWorker(test.worker, tasks);
    await sendEach(test, 30);
    await worker.start();
    await eventually(() => test.service.depth(`${test.queue}.task.a`), (depth) => (depth ?? 0) >= 20, 'them to be sorted');
    await worker.close();
    const left = 90 - ran.all.length;
    expect(await test.service.depth(test.queue)).toBe(left);
    const plain = weighted(0, {});
    const { c: gone, ...others } = plain.tasks;
    const later = await test.service.createWorker({ ...test.worker, name: 'later' }, others);
    await later.start();
    await plain.ran.count(60 - ran.all.filter((line) => !line.startsWith('c')).length);
    await later.close();
    const last = await test.service.createWorker({ ...test.worker, name: 'last' }, { c: gone as TaskMap[string] });
    await last.start();
    await plain.ran.count(left);
    await test.service.drain({ timeoutSeconds: 30 });
    expect(plain.ran.all.length).toBe(left);
    await last.close();
  });

  it('lets several sorting processes, and one that knows no weights, work on one queue', async () => {
    const test = await bed(url());
    const { tasks, ran } = weighted(1);
    const second = test.config.broker === 'embedded:' ? test : await startOn(test.config);
    const workers = [
      await test.service.createWorker(test.worker, tasks),
      await second.service.createWorker({ ...test.worker, name: 'w2' }, tasks),
      await second.service.createWorker({ ...test.worker, name: 'plain' }, Object.fromEntries(Object.entries(tasks).map(([name, { function: run }]) => [name, { function: run }]))),
    ];
    await Promise.all(workers.map((worker) => worker.start()));
    await sendEach(test, 200);
    await ran.count(600, 60_000);
    await test.service.drain({ timeoutSeconds: 30 });
    expect(new Set(ran.all).size).toBe(600);
    expect(counts(ran.all)).toEqual({ a: 200, b: 200, c: 200 });
    await Promise.all(workers.map((worker) => worker.close()));
  });

  it('starts high ones before all names, and low ones at their turn', async () => {
    const test = await bed(url(), { priorities: true });
    const { tasks, ran } = weighted(2);
    const worker = await test.service.createWorker(test.worker, tasks);
    await sendEach(test, 200);
    for (const priority of ['low', 'high'] as const) {
      await test.service.publishMany(Array.from({ length: 60 }, (_, index) => ({ name: 'c', priority, args: [{ type: 'string' as const, value: `${priority}${index}` }] })));
    }
    await worker.start();
    await ran.count(63);
    const first = ran.all.slice(0, 63);
    expect(first.filter((line) => line.includes('high')).length).toBeGreaterThanOrEqual(43);
    expect(first.filter((line) => line.includes('low')).length).toBeGreaterThanOrEqual(1);
    expect(first.filter((line) => line.includes('low')).length).toBeLessThanOrEqual(4);
    await worker.close();
  });

  it('refuses weights that are none, and names too long for a queue', async () => {
    const test = await bed(url());
    for (const weight of [0, 1.5, 100_001, '5']) {
      await expect(test.service.createWorker(test.worker, { a: { weight: weight as number, function: () => undefined } })).rejects.toThrow(/whole number from 1 to 100000/);
    }
    await expect(test.service.createWorker(test.worker, { ['n'.repeat(250)]: { weight: 1, function: () => undefined } })).rejects.toThrow(/AMQP allows 255/);
  });
});

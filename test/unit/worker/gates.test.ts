import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DispatcherError } from '../../../lib/errors.js';
import type { DispatcherEvent } from '../../../lib/events/dispatcher-event.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import { Header } from '../../../lib/task/headers.js';
import type { TaskHeaders } from '../../../lib/task/task.js';
import type { CancelReasonOf } from '../../../lib/worker/gates/cancel-gate.js';
import type { Entrance, TaskEnd, TaskGate } from '../../../lib/worker/gates/task-gate.js';
import type { Handler } from '../../../lib/worker/handler.js';
import { TaskWorker } from '../../../lib/worker/task-worker.js';
import { ScriptedBroker, ScriptedDelivery } from '../../support/scripted-broker.js';

const quiet = { log() {}, warn() {}, error() {}, debug() {} };

class ScriptedGate implements TaskGate {
  concerned = true;
  entrance: () => Promise<Entrance> = () => Promise.resolve({ kind: 'run' });
  onLeave: () => Promise<void> = () => Promise.resolve();

  constructor(readonly name: string, private readonly log: string[]) {}

  concerns(): boolean { return this.concerned; }

  enter(): Promise<Entrance> {
    this.log.push(`${this.name} enter`);
    return this.entrance();
  }

  leave(_visit: unknown, end: TaskEnd): Promise<void> {
    this.log.push(`${this.name} ${end.kind}`);
    return this.onLeave();
  }
}

let broker: ScriptedBroker;
let events: DispatcherEvent[];
let worker: TaskWorker;
let log: string[];
let first: ScriptedGate;
let second: ScriptedGate;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
  broker = new ScriptedBroker();
  events = [];
  log = [];
  first = new ScriptedGate('first', log);
  second = new ScriptedGate('second', log);
});

afterEach(async () => {
  const closing = worker.close(0);
  await vi.advanceTimersByTimeAsync(1_100);
  await closing;
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

async function start(handler: Partial<Handler>, cancelReasonOf?: CancelReasonOf): Promise<void> {
  worker = new TaskWorker({ name: 'w', queue: 'work', limit: 2 }, {
    broker, format: gofortFormat, handlers: new Map([['a', { name: 'a', run: () => { log.push('run'); }, ...handler }]]),
    emit: (event) => events.push(event), loggerFor: () => quiet, maxTaskBytes: 10_000, gates: [first, second], cancelReasonOf,
  });
  await worker.start();
}

function deliver(headers?: TaskHeaders, name = 'a'): ScriptedDelivery {
  const { body, properties } = gofortFormat.encode({ uuid: 'u', name, args: [], headers });
  const delivery = new ScriptedDelivery(body, properties);
  delivery.onSettled = () => log.push(delivery.settled as string);
  broker.deliver(delivery);
  return delivery;
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const typesOf = (): string[] => events.map(({ type }) => type).filter((type) => type.startsWith('task.'));

describe('a task that has to do with gates', () => {
  it('passes them in order, is left in the opposite one, and acknowledged last', async () => {
    await start({});
    deliver();
    await settle();
    expect(log).toEqual(['first enter', 'second enter', 'run', 'second succeeded', 'first succeeded', 'ack']);
  });

  // Found by the simulation: what the gates had waited for was told as a handler that blocks the event loop.
  it('is not accused of what its gates have waited for', async () => {
    await start({});
    first.entrance = async () => {
      await new Promise((resolve) => { setTimeout(resolve, 5_000); });
      return { kind: 'run' };
    };
    deliver();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(log).toContain('run');
    expect(events.filter(({ type }) => type === 'task.blocked-loop')).toEqual([]);
  });

  it('runs at once when none of them is concerned', async () => {
    first.concerned = second.concerned = false;
    await start({});
    deliver();
    expect(log).toEqual(['run', 'ack']);
  });

  it('waits in its queue, uncharged, when one of them says so, and holds nothing of the others', async () => {
    second.entrance = () => Promise.resolve({ kind: 'wait', delayMs: 1500, reason: 'full' });
    await start({});
    deliver({ [Header.attempt]: 3 });
    await settle();
    expect(log).toEqual(['first enter', 'second enter', 'second returned', 'first returned', 'ack']);
    expect(broker.published).toMatchObject([{ address: { queue: 'work' }, options: { delayMs: 1500 }, message: { properties: { headers: { [Header.attempt]: 3 } } } }]);
    expect(typesOf()).toEqual(['task.returned']);
  });

  it('waits when a gate cannot be asked', async () => {
    first.entrance = () => Promise.reject(new Error('away'));
    await start({});
    const delivery = deliver();
    await settle();
    expect(broker.published).toMatchObject([{ options: { delayMs: 5000 } }]);
    expect(delivery.settled).toBe('ack');
    expect(events).toContainEqual(expect.objectContaining({ type: 'worker.problem' }));
  });

  it('is dropped, or ends as cancelled, without having run', async () => {
    first.entrance = () => Promise.resolve({ kind: 'drop', reason: 'done elsewhere' });
    await start({});
    deliver();
    await settle();
    first.entrance = () => Promise.resolve({ kind: 'cancel', reason: 'called off' });
    deliver();
    await settle();
    expect(log).toEqual(['first enter', 'second dropped', 'first dropped', 'ack', 'first enter', 'second cancelled', 'first cancelled', 'ack']);
    expect(typesOf()).toEqual(['task.dropped', 'task.cancelled']);
    expect(broker.published).toEqual([]);
  });

  it('becomes a dead letter without having run', async () => {
    const error = new DispatcherError('ERR_DISPATCHER_CRASH_LOOP', 'too often');
    second.entrance = () => Promise.resolve({ kind: 'bury', reason: 'crash-loop', error });
    await start({});
    deliver();
    await settle();
    expect(log).toEqual(['first enter', 'second enter', 'second failed', 'first failed', 'ack']);
    expect(broker.published).toMatchObject([{ address: { queue: 'work.dead' }, message: { properties: { headers: { [Header.deadReason]: 'crash-loop' } } } }]);
    expect(events).toContainEqual(expect.objectContaining({ type: 'task.dead-lettered', reason: 'crash-loop', error }));
  });

  it('ends as cancelled where its name is unknown here: not entered, not passed on, no dead letter', async () => {
    const asked: unknown[] = [];
    await start({}, (task) => {
      asked.push(task);
      return 'called off';
    });
    deliver({ mine: 'x' }, 'unknown');
    await settle();
    expect(asked).toEqual([{ uuid: 'u', headers: expect.objectContaining({ mine: 'x' }) }]);
    expect(log).toEqual(['second cancelled', 'first cancelled', 'ack']);
    expect(broker.published).toEqual([]);
    expect(events).toContainEqual({ type: 'task.cancelled', task: { uuid: 'u', name: 'unknown', attempt: 1, queue: 'work', worker: 'w' }, reason: 'called off' });
  });

  it('is passed on where its name is unknown here and nobody has called it off', async () => {
    await start({}, () => undefined);
    deliver(undefined, 'unknown');
    await settle();
    expect(log).toEqual(['ack']);
    expect(broker.published).toMatchObject([{ address: { queue: 'work' }, message: { properties: { headers: { [Header.returns]: 1 } } } }]);
    expect(typesOf()).toEqual(['task.returned']);
  });

  it('is not acknowledged before its end is recorded, however often that takes', async () => {
    let failures = 3;
    first.onLeave = () => (failures-- > 0 ? Promise.reject(new Error('away')) : Promise.resolve());
    await start({});
    const delivery = deliver();
    await settle();
    expect(delivery.settled).toBeUndefined();
    await vi.advanceTimersByTimeAsync(100 + 200 + 400);
    expect(delivery.settled).toBe('ack');
    expect(log.filter((line) => line === 'first succeeded')).toHaveLength(4);
  });

  it('tells of a retry, of a failure, of an expiry and of what could not run', async () => {
    const run = (): void => { throw new Error('no'); };
    await start({ run, retry: { attempts: 2, backoff: 'fixed', delaySeconds: 1, jitter: 0 } });
    deliver();
    await settle();
    deliver({ [Header.attempt]: 2 });
    await settle();
    deliver({ [Header.expires]: Date.now() - 1 });
    await settle();
    broker.deliver(new ScriptedDelivery(Buffer.from('no task')));
    await settle();
    expect(log.filter((line) => line.startsWith('first') && line !== 'first enter'))
      .toEqual(['first retrying', 'first failed', 'first expired', 'first failed']);
  });

  it('goes back when the worker is closed while it is asked, and its slot with it', async () => {
    let answer = (_entrance: Entrance): void => undefined;
    first.entrance = () => new Promise((resolve) => { answer = resolve; });
    await start({});
    const delivery = deliver();
    const closing = worker.close(2_000);
    await vi.advanceTimersByTimeAsync(1_600);
    answer({ kind: 'run' });
    await closing;
    expect(delivery.settled).toBe('requeue');
    expect(log).not.toContain('run');
    expect(log).toContain('first returned');
  });

  it('is told of where the process has to end before its gates know how it was left', async () => {
    second.onLeave = () => new Promise(() => undefined);
    await start({ run: () => new Promise(() => undefined) });
    deliver();
    await settle();
    const closing = worker.close(1_000);
    await vi.advanceTimersByTimeAsync(2_100);
    await closing;
    const problems = events.flatMap((event) => (event.type === 'worker.problem' ? [event.message] : []));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/how interrupted tasks were left, 1 of them: "a" \(u\)\..*counted as a crash/);
    second.onLeave = () => Promise.resolve();
  });

  it('passes no further gate once it was given up while one was asked', async () => {
    let answer = (_entrance: Entrance): void => undefined;
    first.entrance = () => new Promise((resolve) => { answer = resolve; });
    await start({});
    deliver();
    const closing = worker.close(0);
    await vi.advanceTimersByTimeAsync(1_100);
    await closing;
    answer({ kind: 'run' });
    await settle();
    expect(log).toContain('first returned');
    expect(log).not.toContain('second enter');
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DispatcherEvent } from '../../../lib/events/dispatcher-event.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import { Header } from '../../../lib/task/headers.js';
import { RetryLater } from '../../../lib/task/verdicts.js';
import { circuitBreaker, type CircuitBreakerOptions } from '../../../lib/worker/circuit/circuit-breaker.js';
import type { Handler } from '../../../lib/worker/handler.js';
import { TaskWorker } from '../../../lib/worker/task-worker.js';
import { withMiddleware } from '../../../lib/worker/with-middleware.js';
import { ScriptedBroker, ScriptedDelivery } from '../../support/scripted-broker.js';

const quiet = { log() {}, warn() {}, error() {}, debug() {} };
let broker: ScriptedBroker;
let events: DispatcherEvent[];
let worker: TaskWorker;
let fails: boolean;
let ran: string[];
let count = 0;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
  [broker, events, fails, ran] = [new ScriptedBroker(), [], true, []];
});

afterEach(async () => {
  const closing = worker.close(0);
  await vi.advanceTimersByTimeAsync(1);
  await closing;
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

async function start(options: CircuitBreakerOptions, extra: Partial<Handler> = {}): Promise<void> {
  const breaker = circuitBreaker({ minimumTasks: 3, openSeconds: 10, ...options });
  const run = (_: unknown[], context: { uuid: string }): Promise<void> => {
    ran.push(context.uuid);
    return fails ? Promise.reject(new Error('down')) : Promise.resolve();
  };
  const handlers = new Map(['x', 'y'].map((name) => [name, withMiddleware({ name, run, ...(name === 'x' ? extra : {}) }, [breaker])]));
  worker = new TaskWorker({ name: 'w', queue: 'work', limit: 2 }, {
    broker, format: gofortFormat, handlers, emit: (event) => events.push(event), loggerFor: () => quiet, maxTaskBytes: 10_000,
  });
  await worker.start();
}

// A verdict is thrown and is no error.
// eslint-disable-next-line @typescript-eslint/only-throw-error
const giveBackPaused = (): never => { throw new RetryLater(1); };

function deliver(name = 'x'): ScriptedDelivery {
  const { body, properties } = gofortFormat.encode({ uuid: `u${++count}`, name, args: [] });
  return broker.deliver(new ScriptedDelivery(body, properties));
}

async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

async function failed(times: number, name = 'x'): Promise<void> {
  for (let i = 0; i < times; i++) {
    deliver(name);
    await settle();
  }
}

function circuitEvents(): string[] {
  return events.filter(({ type }) => type.startsWith('circuit.')).map(({ type }) => type);
}

describe('a circuit breaker for a queue', () => {
  it('stops consuming: one delivery is held, the others are given back, nothing runs', async () => {
    await start({});
    await failed(2);
    const waiting = [deliver(), deliver(), deliver()];
    await settle();
    expect(circuitEvents()).toEqual(['circuit.opened']);
    expect(broker.prefetches.at(-1)).toBe(1);
    const before = ran.length;
    const held = deliver();
    await vi.advanceTimersByTimeAsync(9_900);
    expect([held.settled, ran.length]).toEqual([undefined, before]);
    expect(waiting.filter(({ settled }) => settled === undefined)).toHaveLength(0);
  });

  it('lets the held one try, and goes on when it succeeds', async () => {
    await start({});
    await failed(3);
    const [held, second] = [deliver(), deliver()];
    fails = false;
    await vi.advanceTimersByTimeAsync(10_010);
    expect([held.settled, second.settled]).toEqual(['ack', 'ack']);
    expect(circuitEvents()).toEqual(['circuit.opened', 'circuit.half-open', 'circuit.closed']);
    expect(broker.prefetches.at(-1)).toBeGreaterThan(1);
  });

  it('opens again when it fails', async () => {
    await start({});
    await failed(3);
    deliver();
    const next = deliver();
    await vi.advanceTimersByTimeAsync(10_010);
    expect(circuitEvents()).toEqual(['circuit.opened', 'circuit.half-open', 'circuit.opened']);
    expect(next.settled).toBe('requeue');
    expect(ran).toHaveLength(4);
  });

  it('takes a timeout for a failure, even where the handler never ends', async () => {
    const run = (): Promise<void> => new Promise(() => undefined);
    await start({ minimumTasks: 2 }, { run, timeoutSeconds: 1 });
    deliver();
    deliver();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(circuitEvents()).toEqual(['circuit.opened']);
  });

  it('says nothing of tasks that only put themselves off, or of errors that are not meant', async () => {
    await start({ isFailure: (error) => (error as Error).message !== 'down' }, { run: giveBackPaused });
    await failed(5, 'x');
    await failed(5, 'y');
    expect(circuitEvents()).toEqual([]);
  });

  it('gives back what it holds when the worker is closed', async () => {
    await start({});
    await failed(3);
    const held = deliver();
    const closing = worker.close(0);
    await vi.advanceTimersByTimeAsync(1);
    await closing;
    expect(held.settled).toBe('requeue');
  });
});

describe('a circuit breaker for a task', () => {
  it('gives its tasks back with a delay, uncharged, and lets others run', async () => {
    await start({ scope: 'task' });
    await failed(3);
    const [x, y] = [deliver('x'), deliver('y')];
    await settle();
    expect([x.settled, y.settled, ran.length]).toEqual(['ack', 'ack', 4]);
    const sent = broker.published.find(({ message }) => message.properties.headers?.[Header.deadReason] === undefined);
    expect(sent?.options?.delayMs).toBeGreaterThanOrEqual(9_900);
    expect(sent?.message.properties.headers?.[Header.attempt]).toBeUndefined();
    expect(events.filter(({ type }) => type === 'task.returned')).toEqual([
      expect.objectContaining({ reason: 'The circuit of task "x" is open.' })]);
    expect(broker.prefetches).toHaveLength(1);
  });
});

describe('circuitBreaker', () => {
  it.each([
    [{ failureShare: 0 }, /failureShare must be more than 0/], [{ minimumTasks: 0 }, /minimumTasks/], [{ windowSeconds: -1 }, /windowSeconds/],
    [{ openSeconds: 5000 }, /at most 900/], [{ scope: 'all' as 'task' }, /scope must be/], [{ isFailure: 1 as never }, /isFailure/],
  ])('refuses %j', (options, text) => {
    expect(() => circuitBreaker(options)).toThrow(text);
  });
  // afterEach closes a worker.
  beforeEach(() => start({}));
});

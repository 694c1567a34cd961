import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DispatcherEvent } from '../../../lib/events/dispatcher-event.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import { Header } from '../../../lib/task/headers.js';
import type { TaskHeaders } from '../../../lib/task/task.js';
import { TaskWorker } from '../../../lib/worker/task-worker.js';
import { ScriptedBroker, ScriptedDelivery } from '../../support/scripted-broker.js';

const NOW = Date.UTC(2030, 0, 1);
const quiet = { log() {}, warn() {}, error() {}, debug() {} };

describe('a task that expires', () => {
  let broker: ScriptedBroker;
  let events: DispatcherEvent[];
  let worker: TaskWorker;
  let runs: number[];
  let fail: boolean;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'], now: NOW });
    broker = new ScriptedBroker();
    events = [];
    runs = [];
    fail = false;
    const handler = { name: 'a', retry: { attempts: 3, backoff: 'fixed' as const, jitter: 0 }, run: (_args: unknown[], { attempt }: { attempt: number }) => {
      runs.push(attempt);
      if (fail) throw new Error('oops');
    } };
    worker = new TaskWorker({ name: 'w', queue: 'work', limit: 1 }, {
      broker, format: gofortFormat, handlers: new Map([['a', handler]]), emit: (event) => events.push(event), loggerFor: () => quiet, maxTaskBytes: 10_000,
    });
    await worker.start();
  });

  afterEach(async () => {
    const closing = worker.close(0);
    await vi.advanceTimersByTimeAsync(1);
    await closing;
    vi.useRealTimers();
  });

  const deliver = (headers: TaskHeaders, redelivered = false, name = 'a'): ScriptedDelivery => {
    const { body, properties } = gofortFormat.encode({ uuid: 'u', name, args: [], headers });
    return broker.deliver(new ScriptedDelivery(body, properties, redelivered));
  };
  const expired = (): DispatcherEvent[] => events.filter(({ type }) => type === 'task.expired');

  it('runs before its time, and not from then on: acknowledged and reported, no dead letter', () => {
    expect(deliver({ [Header.expires]: NOW + 1 }).settled).toBe('ack');
    expect(runs).toEqual([1]);
    expect(deliver({ [Header.expires]: NOW }).settled).toBe('ack');
    expect(runs).toEqual([1]);
    expect(expired()).toEqual([{ type: 'task.expired', expiresAt: NOW, task: { uuid: 'u', name: 'a', attempt: 1, queue: 'work', worker: 'w' } }]);
    expect(broker.published).toEqual([]);
  });

  it('is not tried again after its time', async () => {
    fail = true;
    deliver({ [Header.expires]: NOW + 500 });
    await vi.advanceTimersByTimeAsync(0);
    const [retry] = broker.published;
    expect(retry?.options).toEqual({ delayMs: 1000 });
    await vi.advanceTimersByTimeAsync(1000);
    deliver(retry?.message.properties.headers ?? {});
    expect(runs).toEqual([1]);
    expect(expired()).toMatchObject([{ task: { attempt: 2 } }]);
  });

  it('frees its slot for the next one', () => {
    for (let i = 0; i < 10; i++) deliver({ [Header.expires]: NOW - 1 });
    deliver({});
    expect(runs).toEqual([1]);
    expect(expired()).toHaveLength(10);
  });

  it('is reported also when it came back, or has no handler here', () => {
    expect(deliver({ [Header.expires]: NOW - 1 }, true).settled).toBe('ack');
    expect(deliver({ [Header.expires]: NOW - 1 }, false, 'unknown').settled).toBe('ack');
    expect(expired()).toMatchObject([{ task: { name: 'a' } }, { task: { name: 'unknown' } }]);
    expect(broker.published).toEqual([]);
  });

  it.each(['soon', null, Number.NaN, { at: 1 }])('takes %o for no time at all', (value) => {
    deliver({ [Header.expires]: value });
    expect(runs).toEqual([1]);
  });
});

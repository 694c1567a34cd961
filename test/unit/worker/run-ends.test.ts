import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DispatcherEvent } from '../../../lib/events/dispatcher-event.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import { Header } from '../../../lib/task/headers.js';
import { SucceedEarly } from '../../../lib/task/verdicts.js';
import type { TaskEnd, TaskGate } from '../../../lib/worker/gates/task-gate.js';
import type { Handler } from '../../../lib/worker/handler.js';
import { TaskLimits } from '../../../lib/worker/limits/task-limits.js';
import { TaskWorker } from '../../../lib/worker/task-worker.js';
import { ScriptedBroker, ScriptedDelivery } from '../../support/scripted-broker.js';

const quiet = { log() {}, warn() {}, error() {}, debug() {} };

let broker: ScriptedBroker;
let events: DispatcherEvent[];
let worker: TaskWorker;
/** What the gate was told, in order. */
let told: TaskEnd['kind'][];
let onLeave: (end: TaskEnd) => Promise<void>;
/** Events at which our own code fails. */
let defects: Set<DispatcherEvent['type']>;

const gate: TaskGate = {
  name: 'scripted', concerns: () => true, enter: () => Promise.resolve({ kind: 'run' }),
  leave: (_visit, end) => {
    told.push(end.kind);
    return onLeave(end);
  },
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
  broker = new ScriptedBroker();
  [events, told, onLeave, defects] = [[], [], () => Promise.resolve(), new Set()];
});

afterEach(async () => {
  const closing = worker.close(0);
  await pass(5_000);
  await closing;
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function emit(event: DispatcherEvent): void {
  if (defects.has(event.type)) throw new TypeError('defect');
  events.push(event);
}

async function start(handler: Partial<Handler>, gates: readonly TaskGate[] = []): Promise<void> {
  worker = new TaskWorker({ name: 'w', queue: 'work', limit: 2 }, {
    broker, format: gofortFormat, handlers: new Map([['a', { name: 'a', run: () => undefined, ...handler }]]),
    emit, loggerFor: () => quiet, maxTaskBytes: 10_000, gates,
  });
  await worker.start();
}

function deliver(uuid = 'u'): ScriptedDelivery {
  const { body, properties } = gofortFormat.encode({ uuid, name: 'a', args: [] });
  return broker.deliver(new ScriptedDelivery(body, properties));
}

const pass = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds);
const typesOf = (): string[] => events.map(({ type }) => type).filter((type) => type.startsWith('task.'));
const raise = (thrown: unknown): never => { throw thrown; };
const untilStopped: Handler['run'] = (_args, { signal }) => new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error)); });

describe('a run that has ended does not end again', () => {
  // Its slot was freed twice, and a task that went back was told as timed out.
  it('by its timeout, while the gates are told that it goes back at a shutdown', async () => {
    await start({ run: untilStopped, timeoutSeconds: 8 }, [gate]);
    let leave = (): void => undefined;
    onLeave = () => new Promise((resolve) => { leave = resolve; });
    const delivery = deliver();
    await pass(0);
    const closing = worker.close(8_200);
    await pass(8_100);
    expect(told).toEqual(['returned']);
    leave();
    await pass(1_100);
    await closing;
    expect({ settled: delivery.settled, told, published: broker.published, events: typesOf() }).toEqual({ settled: 'requeue', told: ['returned'], published: [], events: [] });
  });

  // Two dead letters of one task, and a slot too many from then on.
  it('by its timeout, while it is recorded that our own code has failed', async () => {
    defects.add('task.blocked-loop');
    await start({ timeoutSeconds: 5, run: () => { vi.advanceTimersByTime(1_500); return new Promise(() => undefined); } });
    let publish = (): void => undefined;
    broker.onPublish = () => new Promise((resolve) => { publish = resolve; });
    const delivery = deliver();
    await pass(10_000);
    publish();
    await pass(0);
    expect(delivery.settled).toBe('ack');
    expect(broker.published.map(({ message }) => message.properties.headers?.[Header.deadError])).toEqual([expect.stringMatching(/The worker, not the handler/)]);
    expect({ activity: worker.activity, events: typesOf() }).toEqual({ activity: { running: 0, waiting: 0, ended: 1 }, events: ['task.dead-lettered'] });
  });
});

describe('what a run holds', () => {
  const limits = (): TaskLimits => new TaskLimits('a', { process: 2 });

  // A worker that was closed and started again let more run than the limit says.
  it('is given back once, also where it is abandoned while its end is recorded, and recorded after all', async () => {
    const taken = limits();
    await start({ run: () => { throw new Error('no'); }, limits: taken });
    let publish = (): void => undefined;
    broker.onPublish = () => new Promise((resolve) => { publish = resolve; });
    const delivery = deliver();
    await pass(0);
    const closing = worker.close(2_000);
    await pass(4_000);
    await closing;
    publish();
    await pass(0);
    expect(delivery.settled).toBe('ack');
    taken.enter([]);
    taken.enter([]);
    expect(() => taken.enter([])).toThrow(/waits/);
  });
});

describe('a handler that throws SucceedEarly with a promise', () => {
  // It held its slot for ever where the promise was never settled.
  it('is waited for no longer than its timeout says', async () => {
    await start({ run: () => raise(new SucceedEarly(new Promise(() => undefined))), timeoutSeconds: 1 });
    const delivery = deliver();
    await pass(1_000);
    expect({ settled: delivery.settled, activity: worker.activity, events: typesOf() })
      .toEqual({ settled: 'ack', activity: { running: 0, waiting: 0, ended: 1 }, events: ['task.timed-out', 'task.dead-lettered'] });
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DispatcherEvent } from '../../../../lib/events/dispatcher-event.js';
import { gofortFormat } from '../../../../lib/formats/gofort.js';
import { createResultBackend } from '../../../../lib/state/create-result-backend.js';
import type { StateBackend } from '../../../../lib/state/state-backend.js';
import { Header } from '../../../../lib/task/headers.js';
import { onceHeaders } from '../../../../lib/task/once.js';
import type { TaskHeaders } from '../../../../lib/task/task.js';
import { RetryLater } from '../../../../lib/task/verdicts.js';
import { CancelGate, type CancelReasonOf } from '../../../../lib/worker/gates/cancel-gate.js';
import { OnceGate } from '../../../../lib/worker/gates/once/once-gate.js';
import { onceTimes } from '../../../../lib/worker/gates/once/once-times.js';
import type { Handler } from '../../../../lib/worker/handler.js';
import type { TaskContext } from '../../../../lib/worker/task-context.js';
import { TaskWorker } from '../../../../lib/worker/task-worker.js';
import { controlsOf } from '../../../../lib/worker/handler-context.js';
import { firstOf } from '../../../support/present.js';
import { ScriptedBroker, ScriptedDelivery } from '../../../support/scripted-broker.js';

const quiet = { log() {}, warn() {}, error() {}, debug() {} };
const AFTER_MS = 10_000;
const LONG_MS = 15_000;
const TIMES = onceTimes();

let backend: StateBackend;
/** Away: every operation of the state is refused. */
let isAway: boolean;
let brokers: ScriptedBroker[];
let workers: TaskWorker[];
let events: DispatcherEvent[];
/** One entry for each run that waits to be ended. */
let running: { context: TaskContext; end: (error?: unknown) => void }[];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
  backend = createResultBackend('embedded:');
  await backend.connect();
  [isAway, brokers, workers, events, running] = [false, [], [], [], []];
});

afterEach(async () => {
  isAway = false;
  const closing = Promise.all(workers.map((worker) => worker.close(0)));
  await vi.advanceTimersByTimeAsync(40_000);
  await closing;
  await backend.close(1_000);
  vi.useRealTimers();
});

/** Of a process of its own: another broker connection, another gate, the same state. */
async function worker(config: { limit?: number } = {}, handler: Partial<Handler> = {}, calledOff: CancelReasonOf = () => undefined): Promise<{ broker: ScriptedBroker; worker: TaskWorker }> {
  const broker = new ScriptedBroker();
  const gate = new OnceGate(() => (isAway ? Promise.reject(new Error('away')) : Promise.resolve(backend)), TIMES);
  const run: Handler['run'] = (_args, context) => new Promise<void>((resolve, reject) => {
    running.push({ context, end: (error) => (error === undefined ? resolve() : reject(error as Error)) });
  });
  const made = new TaskWorker({ name: 'w', queue: 'work', limit: 2, ...config }, {
    broker, format: gofortFormat, handlers: new Map([['a', { name: 'a', run, ...handler }]]), emit: (event) => events.push(event),
    loggerFor: () => quiet, maxTaskBytes: 10_000, gates: [new CancelGate(calledOff, 'others'), gate, new CancelGate(calledOff, 'leased')], lease: { gate, afterMs: AFTER_MS },
  });
  brokers.push(broker);
  workers.push(made);
  await made.start();
  return { broker, worker: made };
}

function deliver(broker: ScriptedBroker, { headers, redelivered = false }: { headers?: TaskHeaders; redelivered?: boolean } = {}): ScriptedDelivery {
  const { body, properties } = gofortFormat.encode({ uuid: 'u', name: 'a', args: [], headers });
  return broker.deliver(new ScriptedDelivery(body, { ...properties, headers }, redelivered));
}

const pass = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds);
/** The newest that was published, delivered to a worker. */
function redirect(from: ScriptedBroker, to: ScriptedBroker): ScriptedDelivery {
  return deliver(to, { headers: from.published.at(-1)?.message.properties.headers });
}

/** A run that was taken over, and its copy's headers. */
async function takenOver(broker: ScriptedBroker, headers?: TaskHeaders): Promise<ScriptedDelivery> {
  const delivery = deliver(broker, { headers });
  await pass(LONG_MS);
  expect(delivery.settled).toBe('ack');
  return delivery;
}

describe('a task that runs for long', () => {
  it('is acknowledged only when a copy of it is confirmed, which comes back when its process may be dead', async () => {
    const { broker } = await worker();
    let confirm: () => void = () => undefined;
    broker.onPublish = () => new Promise((resolve) => { confirm = resolve; });
    const delivery = deliver(broker, { headers: { mine: 1, [Header.expires]: Date.now() + 1_000_000 } });
    await pass(LONG_MS);
    expect(delivery.settled).toBeUndefined();
    confirm();
    await pass(0);
    expect(delivery.settled).toBe('ack');
    expect(broker.published).toHaveLength(1);
    const [{ message, address, options }] = firstOf(broker.published, 1);
    expect({ address, options, uuid: message.properties.messageId }).toEqual({ address: { queue: 'work' }, options: { delayMs: TIMES.leasedLookMs }, uuid: 'u' });
    expect(message.properties.headers).toMatchObject({ mine: 1, [Header.once]: expect.any(Number), [Header.copy]: expect.any(String), [Header.lease]: expect.any(String) });
    // It was started in time.
    expect(message.properties.headers?.[Header.expires]).toBeUndefined();
  });

  it('is left alone while it is short', async () => {
    const { broker } = await worker();
    const delivery = deliver(broker);
    await pass(AFTER_MS - 1);
    running[0]?.end();
    await pass(60_000);
    expect({ settled: delivery.settled, published: broker.published }).toEqual({ settled: 'ack', published: [] });
  });

  it('costs one copy for a long time, whoever looks, and none after its end', async () => {
    const [{ broker: here }, { broker: there }] = [await worker(), await worker()];
    await takenOver(here);
    let last = here;
    for (let look = 0; look < 20; look++) {
      await pass(TIMES.leasedLookMs);
      const copy = redirect(last, there);
      await pass(0);
      expect(copy.settled).toBe('ack');
      last = there;
      expect(there.published.at(-1)?.options).toEqual({ delayMs: TIMES.leasedLookMs });
    }
    running[0]?.end();
    await pass(0);
    const before = there.published.length;
    const copy = redirect(there, there);
    await pass(0);
    expect({ settled: copy.settled, published: there.published.length, runs: running.length }).toEqual({ settled: 'ack', published: before, runs: 1 });
    expect(events.some(({ type }) => type === 'task.dropped')).toBe(true);
  });

  it('runs again, as redelivered, when the process that had it is dead', async () => {
    const [{ broker: here }, { broker: there }] = [await worker(), await worker()];
    await takenOver(here);
    const silence = vi.spyOn(backend, 'replaceIfEqual').mockResolvedValue(false);
    const others = vi.spyOn(backend, 'get').mockRejectedValue(new Error('of the dead one'));
    await pass(TIMES.leasedLookMs);
    let copy = redirect(here, there);
    await pass(0);
    for (let look = 0; look < 2; look++) {
      await pass(TIMES.takeoverMs);
      copy = redirect(there, there);
      await pass(0);
    }
    expect(running).toHaveLength(1);
    [silence, others].forEach((spy) => spy.mockRestore());
    copy = redirect(there, there);
    await pass(0);
    expect(running).toHaveLength(2);
    const { uuid, attempt, redelivered } = running[1]?.context as TaskContext;
    expect({ uuid, attempt, redelivered }).toEqual({ uuid: 'u', attempt: 1, redelivered: true });
    expect(copy.settled).toBeUndefined();
    running[1]?.end();
    await pass(0);
    expect(copy.settled).toBe('ack');
  });

  it('is not run by somebody else because what is shared was away for long', async () => {
    const [{ broker: here }, { broker: there }] = [await worker(), await worker()];
    await takenOver(here);
    isAway = true;
    await pass(3_600_000);
    isAway = false;
    for (let look = 0, last = here; look < 6; look++, last = there) {
      redirect(last, there);
      await pass(TIMES.takeoverMs);
    }
    expect(running).toHaveLength(1);
  });

  it('is tried again until it can be taken over, and says once that it cannot', async () => {
    const { broker } = await worker();
    isAway = true;
    const delivery = deliver(broker);
    await pass(60_000);
    expect(delivery.settled).toBeUndefined();
    expect(events.filter(({ type }) => type === 'worker.problem')).toHaveLength(1);
    isAway = false;
    await pass(AFTER_MS);
    expect(delivery.settled).toBe('ack');
    expect(broker.published).toHaveLength(1);
  });

  it('ends as ever where it could not be taken over: a copy in doubt does not run', async () => {
    const { broker } = await worker();
    broker.onPublish = () => Promise.reject(new Error('unknown outcome'));
    const delivery = deliver(broker);
    let headers: TaskHeaders | undefined;
    broker.onPublish = ({ properties }) => { headers = properties.headers; return Promise.reject(new Error('unknown outcome')); };
    await pass(LONG_MS);
    running[0]?.end();
    await pass(0);
    expect(delivery.settled).toBe('ack');
    broker.onPublish = () => Promise.resolve();
    const copy = deliver(broker, { headers });
    await pass(0);
    expect({ settled: copy.settled, runs: running.length }).toEqual({ settled: 'ack', runs: 1 });
  });

  it('goes back as it came where it could not be taken over before a shutdown: a copy in doubt does not run beside it', async () => {
    const { broker, worker: closing } = await worker({}, { run: (_args, { signal }) => new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error)); }) });
    let headers: TaskHeaders | undefined;
    broker.onPublish = ({ properties }) => { headers = properties.headers; return Promise.reject(new Error('unknown outcome')); };
    const delivery = deliver(broker);
    await pass(LONG_MS);
    const closed = closing.close(2_000);
    await pass(2_000);
    await closed;
    expect(delivery.settled).toBe('requeue');
    const { broker: there } = await worker();
    const copy = deliver(there, { headers });
    await pass(0);
    expect({ settled: copy.settled, runs: running.length }).toEqual({ settled: 'ack', runs: 0 });
    expect(there.published).toEqual([]);
  });

  it('is retried once, and its copy is dropped', async () => {
    const { broker } = await worker({}, { retry: { attempts: 2, delaySeconds: 1 } });
    await takenOver(broker);
    const standIn = broker.published.at(-1)?.message.properties.headers;
    running[0]?.end(new Error('no'));
    await pass(0);
    expect(broker.published).toHaveLength(2);
    // Should the process die before its claim says so, the attempts still know of each other.
    expect(broker.published[1]?.message.properties.headers).toMatchObject({ [Header.attempt]: 2, [Header.lease]: standIn?.[Header.lease], [Header.redeliveries]: 0 });
    deliver(broker, { headers: standIn });
    await pass(0);
    expect(running).toHaveLength(1);
    redirect(broker, broker);
    await pass(0);
    expect(running[1]?.context.attempt).toBe(2);
  });

  it('that asks to run later, uncharged, is not run sooner by its copy', async () => {
    const { broker } = await worker();
    await takenOver(broker);
    const standIn = broker.published.at(-1)?.message.properties.headers;
    running[0]?.end(new RetryLater(3_600));
    await pass(0);
    const again = broker.published.at(-1)?.message.properties.headers;
    const copy = deliver(broker, { headers: standIn });
    await pass(0);
    expect({ settled: copy.settled, runs: running.length }).toEqual({ settled: 'ack', runs: 1 });
    expect(broker.published.at(-1)?.options?.delayMs).toBeGreaterThan(3_000_000);
    await pass(3_600_000);
    deliver(broker, { headers: again });
    await pass(0);
    expect(running).toHaveLength(2);
  });

  it('is published at once when its worker is closed, and runs elsewhere without waiting', async () => {
    const [{ broker: here, worker: closing }, { broker: there }] = [await worker(), await worker()];
    const stopping = worker({}, { run: (_args, { signal }) => new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error)); }) });
    const { broker: third, worker: polite } = await stopping;
    await takenOver(third);
    const closed = polite.close(2_000);
    await pass(2_000);
    await closed;
    expect(third.published.map(({ options }) => options?.delayMs)).toEqual([TIMES.leasedLookMs, 0]);
    redirect(third, there);
    await pass(0);
    expect(running).toHaveLength(1);
    expect(events.filter(({ type }) => type === 'task.dead-lettered')).toEqual([]);
    expect([here.published, closing.activity.running]).toEqual([[], 0]);
  });

  it('that has copies of its own (a step of a workflow) keeps its claim', async () => {
    const [{ broker: here }, { broker: there }] = [await worker(), await worker()];
    const own = { ...onceHeaders(60), [Header.copy]: 'first' };
    await takenOver(here, own);
    const other = deliver(there, { headers: { ...own, [Header.copy]: 'second' } });
    const back = deliver(there, { headers: own, redelivered: true });
    await pass(0);
    expect([other.settled, back.settled, running.length]).toEqual(['ack', 'ack', 1]);
    expect(here.published.at(-1)?.message.properties.headers).toMatchObject({ [Header.once]: 60, [Header.lease]: 'u' });
    running[0]?.end();
    await pass(0);
    redirect(here, there);
    await pass(0);
    expect(running).toHaveLength(1);
  });

  it('is not ended by a copy that the broker gives back while it runs here', async () => {
    const { broker } = await worker();
    await takenOver(broker);
    const copy = deliver(broker, { headers: broker.published.at(-1)?.message.properties.headers, redelivered: true });
    await pass(0);
    // Counted, or given back to wait: never acknowledged without a copy of it in the queue.
    expect(copy.settled).toBe('ack');
    expect(broker.published.length).toBeGreaterThan(1);
    expect(running).toHaveLength(1);
  });

  it('is called off where it runs, and not by the copy that stands for it, unless it runs nowhere any more', async () => {
    const called: { reason?: string } = {};
    const [{ broker: here, worker: holder }, { broker: there }] = [
      await worker({}, { run: (_args, { signal }) => new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error)); }) }, () => called.reason),
      await worker({}, {}, () => called.reason),
    ];
    await takenOver(here);
    called.reason = 'of no use any more';
    redirect(here, there);
    await pass(0);
    expect(events.filter(({ type }) => type === 'task.cancelled')).toEqual([]);
    const closed = holder.close(2_000);
    await pass(2_000);
    await closed;
    redirect(here, there);
    await pass(0);
    expect(events.filter(({ type }) => type === 'task.cancelled')).toHaveLength(1);
    expect(running).toEqual([]);
  });

  it('keeps its slot: nothing is fetched for it', async () => {
    const { broker } = await worker({ limit: 2 });
    await takenOver(broker);
    expect(broker.prefetches.at(-1)).toBe(1);
    running[0]?.end();
    await pass(0);
    expect(broker.prefetches.at(-1)).toBe(2);
  });
});

describe('a delivery that waits here for long', () => {
  it('goes back before the broker takes it away', async () => {
    const { broker } = await worker({ limit: 1 }, { run: () => undefined });
    const holding = await worker({ limit: 1 }, { run: (_args, context) => { controlsOf(context)?.hold(3_600_000); } });
    deliver(holding.broker);
    const held = deliver(holding.broker);
    await pass(AFTER_MS * 2);
    expect(held.settled).toBe('requeue');
    expect(broker.published).toEqual([]);
  });
});

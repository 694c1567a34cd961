import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DispatcherEvent } from '../../../../lib/events/dispatcher-event.js';
import { gofortFormat } from '../../../../lib/formats/gofort.js';
import type { TaskHeaders } from '../../../../lib/task/task.js';
import { GiveUp, RetryLater } from '../../../../lib/task/verdicts.js';
import { BatchCall } from '../../../../lib/worker/batches/batch-call.js';
import type { BatchContext, BatchedTask } from '../../../../lib/worker/batches/batched-task.js';
import type { BatchOptions } from '../../../../lib/worker/batches/batch-options.js';
import { batchParts, batchRun } from '../../../../lib/worker/batches/batch-run.js';
import type { Handler } from '../../../../lib/worker/handler.js';
import { currentTask } from '../../../../lib/worker/task-context.js';
import { TaskWorker } from '../../../../lib/worker/task-worker.js';
import { withMiddleware } from '../../../../lib/worker/with-middleware.js';
import type { WorkerConfig } from '../../../../lib/worker/worker-config.js';
import { ScriptedBroker, ScriptedDelivery } from '../../../support/scripted-broker.js';

const quiet = { log() {}, warn() {}, error() {}, debug() {} };

let broker: ScriptedBroker;
let events: DispatcherEvent[];
let worker: TaskWorker | undefined;
let calls: { tasks: readonly BatchedTask[]; batch: BatchContext }[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
  broker = new ScriptedBroker();
  [events, calls] = [[], []];
});

afterEach(async () => {
  const closing = worker?.close(0);
  await vi.advanceTimersByTimeAsync(1_000);
  await closing;
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

type Handle = (tasks: readonly BatchedTask[], batch: BatchContext) => unknown;

async function start(options: BatchOptions, handle: Handle = () => undefined, more: Partial<Handler> = {}, config: Partial<WorkerConfig> = {}, others: readonly Handler[] = []): Promise<TaskWorker> {
  const call = new BatchCall('index', options, (tasks, batch) => {
    calls.push({ tasks, batch });
    return handle(tasks, batch);
  });
  const handler: Handler = withMiddleware({ name: 'index', run: batchRun(call), ...batchParts(call), ...more }, more.middleware ?? []);
  worker = new TaskWorker({ name: 'w', queue: 'work', ...config }, {
    broker, format: gofortFormat, handlers: new Map([handler, ...others].map((one) => [one.name, one])), emit: (event) => events.push(event), loggerFor: () => quiet, maxTaskBytes: 10_000,
  });
  await worker.start();
  return worker;
}

let count = 0;
function task(value: unknown = ++count, { name = 'index', uuid = `u${String(value)}`, redelivered = false, headers = {} }: { name?: string; uuid?: string; redelivered?: boolean; headers?: TaskHeaders } = {}): ScriptedDelivery {
  const { body, properties } = gofortFormat.encode({ uuid, name, args: [{ type: 'json', value }], headers });
  return new ScriptedDelivery(body, properties, redelivered);
}

function deliver(values: readonly unknown[]): ScriptedDelivery[] {
  return values.map((value) => broker.deliver(task(value)));
}

async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

const sizes = (): number[] => calls.map(({ tasks }) => tasks.length);
const settledOf = (deliveries: readonly ScriptedDelivery[]): unknown[] => deliveries.map(({ settled }) => settled);
const deadOf = (): unknown[] => broker.published.filter(({ address }) => 'queue' in address && address.queue === 'work.dead').map(({ message }) => message.properties.messageId);
const publishedAgain = (): unknown[] => broker.published.filter(({ address }) => 'queue' in address && address.queue === 'work').map(({ message }) => message.properties.messageId);

describe('a batch fills', () => {
  it('up to its size, with the arguments in order, and is called at once then', async () => {
    await start({ size: 3 });
    const deliveries = deliver(['a', 'b', 'c', 'd']);
    await settle();
    expect(sizes()).toEqual([3]);
    expect(calls[0]?.tasks.map(({ args }) => args)).toEqual([['a'], ['b'], ['c']]);
    expect(settledOf(deliveries)).toEqual(['ack', 'ack', 'ack', undefined]);
  });

  it('for waitMs from its first task on, and then with what there is', async () => {
    await start({ size: 10, waitMs: 40 });
    deliver(['a']);
    await vi.advanceTimersByTimeAsync(30);
    deliver(['b']);
    expect(sizes()).toEqual([]);
    await vi.advanceTimersByTimeAsync(10);
    expect(sizes()).toEqual([2]);
  });

  it('by key, each key on its own, and those without a key together', async () => {
    await start({ size: 10, waitMs: 5, by: 'account' });
    deliver([{ account: 1, n: 'a' }, { account: '2', n: 'b' }, { account: 1, n: 'c' }, { n: 'd' }, 'e', { account: null, n: 'f' }]);
    await vi.advanceTimersByTimeAsync(5);
    expect(calls.map(({ tasks, batch }) => [batch.key, tasks.length])).toEqual([['1', 2], ['2', 1], [undefined, 3]]);
  });

  it('makes a dead letter of what has no key that could be one, and handles the others', async () => {
    await start({ size: 2, by: 'account' });
    const [bad, ...good] = deliver([{ account: { id: 1 } }, { account: 1 }, { account: 1 }]);
    await settle();
    expect([deadOf(), sizes(), bad?.settled, settledOf(good)]).toEqual([['u[object Object]'], [2], 'ack', ['ack', 'ack']]);
    expect(events.find(({ type }) => type === 'task.dead-lettered')).toMatchObject({ reason: 'invalid-arguments' });
  });

  it('while others run beside it: it holds no slot before its call, and one slot then', async () => {
    let end = (): void => undefined;
    const running = await start({ size: 2, waitMs: 1_000 }, () => new Promise<void>((resolve) => { end = resolve; }), {}, { limit: 1 }, [{ name: 'single', run: () => undefined }]);
    deliver(['a']);
    const single = broker.deliver(task(1, { name: 'single' }));
    await settle();
    expect([single.settled, running.activity]).toEqual(['ack', { running: 0, waiting: 1, ended: 1 }]);
    deliver(['b']);
    const waits = broker.deliver(task(2, { name: 'single' }));
    await settle();
    expect([sizes(), waits.settled, running.activity]).toEqual([[2], undefined, { running: 1, waiting: 1, ended: 1 }]);
    end();
    await settle();
    expect([waits.settled, running.activity]).toEqual(['ack', { running: 0, waiting: 0, ended: 4 }]);
  });

  it('from what waits for a slot, as soon as one is free, and never more calls at once than the limit', async () => {
    const ends: (() => void)[] = [];
    await start({ size: 3, waitMs: 10 }, () => new Promise<void>((resolve) => { ends.push(resolve); }), {}, { limit: 2 });
    deliver(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    await settle();
    expect(sizes()).toEqual([3, 3]);
    ends[0]?.();
    await settle();
    expect(sizes()).toEqual([3, 3]);
    await vi.advanceTimersByTimeAsync(10);
    expect(sizes()).toEqual([3, 3, 2]);
    for (const one of ends) one();
  });

  it('beyond the prefetch of the slots: it is raised by a batch, doubled while they fill, and bounded by the slots', async () => {
    await start({ size: 10, waitMs: 1_000 }, () => new Promise(() => undefined), { timeoutSeconds: 5 }, { limit: 2 });
    deliver(['a']);
    await settle();
    expect(broker.prefetches).toEqual([2, 2 + 11]);
    deliver(Array.from({ length: 19 }, (_, index) => `b${index}`));
    await settle();
    expect(broker.prefetches.at(-1)).toBeLessThanOrEqual(2 + 30);
    expect(broker.prefetches.at(-1)).toBeGreaterThanOrEqual(2 + 22);
    await vi.advanceTimersByTimeAsync(6_000);
  });
});

describe('what becomes of the tasks of a batch', () => {
  it('is said of each, and recorded at once: a result, a failure with its own retry, a verdict', async () => {
    let end = (): void => undefined;
    await start({ size: 4 }, async ([a, b, c, d]) => {
      a?.succeed('done');
      b?.fail(new Error('on purpose'));
      c?.fail(new GiveUp('no use'));
      await new Promise<void>((resolve) => { end = resolve; });
      d?.fail(new RetryLater(5));
    }, { retry: { attempts: 3 } });
    const deliveries = deliver(['a', 'b', 'c', 'd']);
    await settle();
    expect(settledOf(deliveries)).toEqual(['ack', 'ack', 'ack', undefined]);
    expect([publishedAgain(), deadOf()]).toEqual([['ub'], ['uc']]);
    end();
    await settle();
    expect([publishedAgain(), settledOf(deliveries)]).toEqual([['ub', 'ud'], ['ack', 'ack', 'ack', 'ack']]);
  });

  it('is success where nothing is said, also beside failures', async () => {
    await start({ size: 3 }, ([a]) => { a?.fail(new Error('on purpose')); });
    const deliveries = deliver(['a', 'b', 'c']);
    await settle();
    expect([deadOf(), settledOf(deliveries)]).toEqual([['ua'], ['ack', 'ack', 'ack']]);
  });

  it('is what the handler throws, for all of which nothing was said before', async () => {
    await start({ size: 3 }, ([a]) => { a?.succeed(); throw new Error('the index is away'); }, { retry: { attempts: 2 } });
    deliver(['a', 'b', 'c']);
    await settle();
    expect(publishedAgain()).toEqual(['ub', 'uc']);
  });

  it('is a failure where the handler forgets one of those that succeeded', async () => {
    await start({ size: 3 }, ([a, b]) => { a?.succeed(1); b?.succeed(2); });
    deliver(['a', 'b', 'c']);
    await settle();
    expect(deadOf()).toEqual(['uc']);
    expect(events.find(({ type }) => type === 'task.failed')).toMatchObject({ error: { code: 'ERR_DISPATCHER_BATCH_OUTCOME', message: expect.stringMatching(/without a word of task uc.*2 of 3/) as string } });
  });

  it('is a failure of all that are open where the handler returns something', async () => {
    await start({ size: 2 }, ([a]) => { a?.fail(new GiveUp('x')); return ['one', 'two']; }, { retry: { attempts: 2 } });
    deliver(['a', 'b']);
    await settle();
    expect([deadOf(), publishedAgain()]).toEqual([['ua'], ['ub']]);
    expect(events.filter(({ type }) => type === 'task.failed').at(-1)).toMatchObject({ error: { code: 'ERR_DISPATCHER_BATCH_OUTCOME', message: expect.stringContaining('returned') as string } });
  });

  it('is what was said first; the second word throws in the handler, and is told where it comes after the call', async () => {
    let thrown: unknown;
    let late: BatchedTask | undefined;
    await start({ size: 1 }, ([a]) => {
      late = a;
      a?.succeed(1);
      try { a?.fail(new Error('after all')); } catch (error) { thrown = error; }
    });
    const [delivery] = deliver(['a']);
    await settle();
    expect([delivery?.settled, deadOf()]).toEqual(['ack', []]);
    expect(thrown).toMatchObject({ code: 'ERR_DISPATCHER_BATCH_OUTCOME', fields: { uuid: 'ua', outcome: 'succeeded', said: 'failed' } });
    late?.fail(new Error('too late'));
    expect(events.find(({ type }) => type === 'worker.problem')).toMatchObject({ error: { code: 'ERR_DISPATCHER_BATCH_OUTCOME' } });
  });

  it('is told of each by itself to what stands around it, which has the task as the current one; the call has none', async () => {
    const seen: unknown[] = [];
    const middleware = [async (context: { uuid: string }, next: () => Promise<unknown>) => {
      try { return await next(); } catch (error) { seen.push([context.uuid, currentTask()?.uuid, (error as Error).message]); return 'saved'; }
    }];
    await start({ size: 2 }, ([a]) => { seen.push(currentTask()); a?.fail(new Error('x')); }, { middleware });
    const deliveries = deliver(['a', 'b']);
    await settle();
    expect(seen).toEqual([undefined, ['ua', 'ua', 'x']]);
    expect(settledOf(deliveries)).toEqual(['ack', 'ack']);
  });
});

describe('the time of a batch', () => {
  it('counts from the call on; then all that are open have overrun, each by itself, the signal is aborted and the slot is free', async () => {
    await start({ size: 3, waitMs: 2_000 }, ([a]) => { a?.succeed(); return new Promise(() => undefined); }, { timeoutSeconds: 1, retry: { attempts: 2 } }, { limit: 1 });
    deliver(['a', 'b']);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(sizes()).toEqual([2]);
    await vi.advanceTimersByTimeAsync(999);
    expect([calls[0]?.batch.signal.aborted, publishedAgain()]).toEqual([false, []]);
    await vi.advanceTimersByTimeAsync(1);
    expect([calls[0]?.batch.signal.reason, publishedAgain()]).toMatchObject([{ code: 'ERR_DISPATCHER_TASK_TIMEOUT' }, ['ub']]);
    deliver(['c', 'd', 'e']);
    await settle();
    expect(sizes()).toEqual([2, 3]);
    await vi.advanceTimersByTimeAsync(1_000);
  });
});

describe('what is called off', () => {
  it('leaves its batch before the call, whatever stands around the handler makes of it', async () => {
    const middleware = [async (_: unknown, next: () => Promise<unknown>) => next().catch(() => 'swallowed')];
    const running = await start({ size: 3 }, () => undefined, { middleware });
    const deliveries = deliver(['a', 'b']);
    await settle();
    running.cancel(({ uuid }) => (uuid === 'ua' ? 'not needed' : undefined));
    await settle();
    expect([settledOf(deliveries), events.map(({ type }) => type).filter((type) => type.startsWith('task.'))]).toEqual([['ack', undefined], ['task.cancelled']]);
    deliver(['c', 'd']);
    await settle();
    expect(calls[0]?.tasks.map(({ args }) => args[0])).toEqual(['b', 'c', 'd']);
  });

  it('has its own signal during the call, and ends as cancelled where it is failed then; the others go on', async () => {
    let end = (): void => undefined;
    const running = await start({ size: 2 }, async ([a]) => { await new Promise<void>((resolve) => { end = resolve; }); a?.fail(new Error('stopped')); });
    const deliveries = deliver(['a', 'b']);
    await settle();
    running.cancel(({ uuid }) => (uuid === 'ua' ? 'not needed' : undefined));
    expect([calls[0]?.tasks.map(({ context }) => context.signal.aborted), calls[0]?.batch.signal.aborted]).toEqual([[true, false], false]);
    end();
    await settle();
    expect([settledOf(deliveries), deadOf(), events.filter(({ type }) => type === 'task.cancelled').length]).toEqual([['ack', 'ack'], [], 1]);
  });
});

describe('what came back', () => {
  it('is called alone, so that it takes no other along should it crash the process', async () => {
    await start({ size: 3 });
    broker.deliver(task('a'));
    broker.deliver(task('b', { redelivered: true }));
    broker.deliver(task('c', { redelivered: true }));
    broker.deliver(task('d'));
    broker.deliver(task('e'));
    await settle();
    expect(calls.map(({ tasks }) => tasks.map(({ args }) => args[0]))).toEqual([['b'], ['c'], ['a', 'd', 'e']]);
  });
});

describe('a worker that closes or pauses', () => {
  it('gives back at once what waits for its call, uncharged, whatever stands around the handler', async () => {
    const middleware = [async (_: unknown, next: () => Promise<unknown>) => next().catch(() => 'swallowed')];
    const running = await start({ size: 10, waitMs: 60_000 }, () => undefined, { middleware });
    const deliveries = deliver(['a', 'b']);
    await settle();
    await running.close(5_000);
    expect([settledOf(deliveries), calls, events.filter(({ type }) => type.startsWith('task.'))]).toEqual([['requeue', 'requeue'], [], []]);
  });

  it('does so when it is paused, and fills anew when it goes on', async () => {
    const running = await start({ size: 2, waitMs: 60_000 });
    const [first] = deliver(['a']);
    await settle();
    await running.setPaused(true);
    expect(first?.settled).toBe('requeue');
    await running.setPaused(false);
    deliver(['a', 'b']);
    await settle();
    expect(sizes()).toEqual([2]);
  });

  it('waits for a call, and for its outcomes to be recorded', async () => {
    let end = (): void => undefined;
    const running = await start({ size: 2 }, () => new Promise<void>((resolve) => { end = resolve; }));
    const deliveries = deliver(['a', 'b']);
    await settle();
    const closing = running.close(5_000);
    await settle();
    expect(broker.closed).toBe(0);
    end();
    await closing;
    expect(settledOf(deliveries)).toEqual(['ack', 'ack']);
  });

  it('aborts the call at its deadline, and leaves its tasks to the broker', async () => {
    const running = await start({ size: 2 }, () => new Promise(() => undefined));
    const deliveries = deliver(['a', 'b']);
    await settle();
    const closing = running.close(2_000);
    await vi.advanceTimersByTimeAsync(5_000);
    await closing;
    expect([calls[0]?.batch.signal.reason, settledOf(deliveries)]).toMatchObject([{ code: 'ERR_DISPATCHER_SHUTDOWN' }, [undefined, undefined]]);
  });
});

describe('a batch without a free slot', () => {
  it('goes back to its queue after a while, for others to take', async () => {
    let end = (): void => undefined;
    const single: Handler = { name: 'long', run: () => new Promise<void>((resolve) => { end = resolve; }) };
    await start({ size: 2, waitMs: 10 }, () => undefined, {}, { limit: 1 }, [single]);
    const [delivery] = deliver(['a']);
    broker.deliver(task(1, { name: 'long' }));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(delivery?.settled).toBeUndefined();
    await vi.advanceTimersByTimeAsync(20);
    expect(delivery?.settled).toBe('requeue');
    end();
  });
});

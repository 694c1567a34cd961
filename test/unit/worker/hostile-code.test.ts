import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DispatcherEvent } from '../../../lib/events/dispatcher-event.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import { encodeTaskResult } from '../../../lib/results/result-codec.js';
import { advance, newTaskResult } from '../../../lib/results/task-result.js';
import { Header } from '../../../lib/task/headers.js';
import { GiveUp, RetryLater, SucceedEarly } from '../../../lib/task/verdicts.js';
import { circuitBreaker } from '../../../lib/worker/circuit/circuit-breaker.js';
import type { Handler } from '../../../lib/worker/handler.js';
import { TaskLimits } from '../../../lib/worker/limits/task-limits.js';
import type { RunMiddleware } from '../../../lib/worker/middleware.js';
import { TaskWorker } from '../../../lib/worker/task-worker.js';
import { withMiddleware } from '../../../lib/worker/with-middleware.js';
import type { WorkerDependencies } from '../../../lib/worker/worker.js';
import { errorWithGetter, HOSTILE_VALUES, hostileProxy, revokedProxy } from '../../support/hostile-values.js';
import { ScriptedBroker, ScriptedDelivery } from '../../support/scripted-broker.js';

const quiet = { log() {}, warn() {}, error() {}, debug() {} };
const LIMIT = 3;
const TASKS = 8;

let broker: ScriptedBroker;
let events: DispatcherEvent[];
let worker: TaskWorker | undefined;
let unhandled: unknown[];
const onUnhandled = (reason: unknown): void => { unhandled.push(reason); };

beforeEach(() => {
  broker = new ScriptedBroker();
  events = [];
  unhandled = [];
  process.on('unhandledRejection', onUnhandled);
});

afterEach(async () => {
  await worker?.close(0);
  worker = undefined;
  process.off('unhandledRejection', onUnhandled);
});

async function start(hostile: Partial<Handler>, extra: Partial<WorkerDependencies> = {}): Promise<void> {
  const handlers = new Map<string, Handler>([['hostile', { name: 'hostile', run: () => undefined, ...hostile }], ['good', { name: 'good', run: () => undefined }]]);
  worker = new TaskWorker({ name: 'w', queue: 'work', limit: LIMIT }, {
    broker, format: gofortFormat, handlers, emit: (event) => events.push(event), loggerFor: () => quiet, maxTaskBytes: 10_000, ...extra,
  });
  await worker.start();
}

function delivery(name: string, uuid: string): ScriptedDelivery {
  const { body, properties } = gofortFormat.encode({ uuid, name, args: [], headers: {} });
  return new ScriptedDelivery(body, properties);
}

type End = { readonly dead: RegExp } | { readonly retried: RegExp } | 'succeeded';

/** More of them than there are slots, and then one that is well: every slot is free again, and every delivery has its end. */
async function endsAs(end: End): Promise<void> {
  const sent = Array.from({ length: TASKS }, (_, index) => broker.deliver(delivery('hostile', `u${index}`)));
  const good = broker.deliver(delivery('good', 'good'));
  await vi.waitFor(() => {
    expect([...sent, good].map(({ settled }) => settled)).toEqual(Array(TASKS + 1).fill('ack'));
    expect(worker?.activity).toMatchObject({ running: 0, waiting: 0 });
  });
  const headers = broker.published.map(({ message }) => message.properties.headers ?? {});
  if (end === 'succeeded') expect(headers).toEqual([]);
  else if ('dead' in end) expect(headers.map((each) => each[Header.deadError] as string)).toEqual(Array(TASKS).fill(expect.stringMatching(end.dead)));
  else expect(headers.map((each) => (JSON.parse(each[Header.history] as string) as { error: string }[])[0]?.error)).toEqual(Array(TASKS).fill(expect.stringMatching(end.retried)));
  // A rejection that nobody handles is told after the promises have been run.
  await new Promise((resolve) => { setImmediate(resolve); });
  expect(unhandled).toEqual([]);
}

const raise = (thrown: unknown): never => { throw thrown; };
const thrower = (): never => { throw new Error('of the user'); };

describe('what a handler throws', () => {
  it.each(Object.entries(HOSTILE_VALUES))('%s', async (_name, make) => {
    await start({ run: () => { throw make(); } });
    await endsAs({ dead: /./ });
  });

  it.each(Object.entries(HOSTILE_VALUES))('%s, asynchronously and with another attempt', async (_name, make) => {
    await start({ run: async () => { await Promise.resolve(); throw make(); }, retry: { attempts: 2 } });
    await endsAs({ retried: /./ });
  });
});

describe('what a handler returns', () => {
  const thenables: Record<string, [make: () => unknown, end: End]> = {
    'a then that cannot be read': [() => ({ get then() { return thrower(); } }), { dead: /of the user/ }],
    'a then that throws': [() => ({ then: thrower }), { dead: /of the user/ }],
    'a then that resolves twice': [() => ({ then(resolve: (value: unknown) => void) { resolve(1); resolve(2); } }), 'succeeded'],
    'a then that resolves and rejects': [() => ({ then(resolve: () => void, reject: (error: unknown) => void) { resolve(); reject(new Error('too late')); } }), 'succeeded'],
    'a then that resolves and throws': [() => ({ then(resolve: () => void) { resolve(); thrower(); } }), 'succeeded'],
    'a then that rejects twice': [() => ({ then(_: unknown, reject: (error: unknown) => void) { reject(new Error('of the user')); reject(new Error('again')); } }), { dead: /of the user/ }],
    'a then that is there only once': [() => {
      let reads = 0;
      return { get then() { return reads++ === 0 ? (resolve: () => void) => resolve() : thrower(); } };
    }, 'succeeded'],
    'a function with a then': [() => Object.assign(() => undefined, { then: (_: unknown, reject: (error: unknown) => void) => reject(new Error('of the user')) }), { dead: /of the user/ }],
    'a thenable of a thenable that throws': [() => ({ then: (resolve: (value: unknown) => void) => resolve({ then: thrower }) }), { dead: /of the user/ }],
    'a promise whose own then is broken': [() => Object.assign(Promise.resolve(), { then: thrower }), 'succeeded'],
    'a promise whose constructor cannot be read': [() => Object.defineProperty(Promise.resolve(), 'constructor', { get: thrower }), { dead: /of the user/ }],
    'a revoked proxy': [() => revokedProxy(), { dead: /revoked/ }],
    'a proxy whose traps throw': [() => hostileProxy(), { dead: /do not touch/ }],
  };

  it.each(Object.entries(thenables))('%s', async (_name, [make, end]) => {
    await start({ run: make });
    await endsAs(end);
  });

  it.each([
    ['a toJSON that throws', () => ({ toJSON: thrower })],
    ['a getter that throws', () => ({ get total() { return thrower(); } })],
    ['something that contains itself', () => { const circle: Record<string, unknown> = {}; circle.self = circle; return circle; }],
    ['an error with a getter', () => errorWithGetter('message')],
  ])('%s, as a result that is asked for', async (_name, make) => {
    const kept: unknown[] = [];
    const recorder: NonNullable<WorkerDependencies['results']>['recorder'] = {
      reaches: () => true,
      record: (reported, entries, outcome) => {
        kept.push(JSON.parse(encodeTaskResult(advance(newTaskResult(reported.uuid, reported.name), entries, outcome)).toString()));
        return Promise.resolve();
      },
    };
    await start({ run: (_args, context) => { context.progress(0.5, make()); return make(); } }, { results: { recorder, of: 'all' } });
    await endsAs('succeeded');
    expect(kept.length).toBeGreaterThan(TASKS);
  });
});

describe('a verdict', () => {
  it.each([Infinity, NaN, -1, null, '5', 1e300, undefined, {}])('RetryLater(%s) fails the attempt, and says why', async (seconds) => {
    await start({ run: () => raise(new RetryLater(seconds as number)) });
    await endsAs({ dead: /RetryLater takes seconds/ });
  });

  it.each<[string, () => unknown, End]>([
    ['a RetryLater that was changed', () => Object.assign(new RetryLater(1), { seconds: Infinity }), { dead: /RetryLater takes seconds/ }],
    ['a RetryLater whose options are null', () => new RetryLater(1, null as never), { retried: /run again in 1 s/ }],
    ['a RetryLater whose reason has no text', () => new RetryLater(1, { reason: Object.create(null) as string }), { retried: /without a text/ }],
    ['a RetryLater whose options throw', () => new RetryLater(1, { get reason() { return thrower(); } }), { dead: /of the user/ }],
    ['a GiveUp whose reason is a symbol', () => new GiveUp(Symbol('enough') as never), { dead: /Symbol\(enough\)/ }],
    ['a GiveUp whose reason cannot be read', () => Object.defineProperty(new GiveUp('x'), 'reason', { get: thrower }), { dead: /of the user/ }],
    ['a GiveUp with a hostile cause', () => new GiveUp('enough', hostileProxy()), { dead: /enough/ }],
    ['a SucceedEarly with a promise that rejects', () => new SucceedEarly(Promise.reject(new Error('of the user'))), { dead: /of the user/ }],
    ['a SucceedEarly with a proxy', () => new SucceedEarly(hostileProxy()), { dead: /do not touch/ }],
    ['a SucceedEarly whose value cannot be read', () => Object.defineProperty(new SucceedEarly(), 'value', { get: thrower }), { dead: /of the user/ }],
  ])('%s', async (_name, make, end) => {
    await start({ run: () => { throw make(); } });
    await endsAs(end);
  });
});

describe('a retry policy', () => {
  const fails = { run: thrower };

  it.each<[string, Handler['retry'], RegExp]>([
    ['retryIf throws', { attempts: 2, retryIf: () => { throw new TypeError('not mine'); } }, /of the user \(retry\.retryIf threw TypeError: not mine\)/],
    ['retryIf throws what has no text', { attempts: 2, retryIf: () => raise(Object.create(null)) }, /retry\.retryIf threw an object without a text/],
    ['retryIf gives a promise that rejects', { attempts: 2, retryIf: (() => Promise.reject(new Error('async'))) as never }, /retry\.retryIf gave an object \(Promise\)/],
    ['backoff throws', { attempts: 2, backoff: () => { throw new TypeError('not mine'); } }, /retry\.backoff threw TypeError: not mine/],
    ['backoff gives a promise that rejects', { attempts: 2, backoff: (() => Promise.reject(new Error('async'))) as never }, /retry\.backoff gave an object/],
    ['backoff gives NaN', { attempts: 2, backoff: () => NaN }, /of the user/],
    ['backoff gives Infinity', { attempts: 2, backoff: () => Infinity }, /of the user/],
    ['backoff gives less than nothing', { attempts: 2, backoff: () => -Infinity }, /of the user/],
  ])('%s: the next attempt comes, and the history says why', async (_name, retry, retried) => {
    await start({ ...fails, retry });
    await endsAs({ retried });
    for (const { options } of broker.published) expect(options?.delayMs).toSatisfy((delayMs: number) => delayMs >= 0 && delayMs <= 3_600_000);
  });

  it('that cannot be read makes a dead letter', async () => {
    await start({ ...fails, retry: { get attempts(): number { throw new TypeError('not mine'); } } });
    await endsAs({ dead: /not mine/ });
  });
});

describe('what stands around a handler', () => {
  it.each<[string, RunMiddleware, End]>([
    ['a middleware that throws at once', thrower, { dead: /of the user/ }],
    ['a middleware that throws after next', async (_context, next) => { await next(); thrower(); }, { dead: /of the user/ }],
    ['a middleware that never calls next', () => undefined, 'succeeded'],
    ['a middleware that calls next twice', async (_context, next) => { await next(); await next(); }, { dead: /more than once/ }],
    ['a middleware that calls next twice and does not wait', (_context, next) => { void next(); void next(); }, { dead: /more than once/ }],
    ['a middleware that calls next when its task is done', (_context, next) => { setImmediate(() => { next().catch(() => undefined); }); }, 'succeeded'],
    ['a middleware that returns a proxy', () => hostileProxy(), { dead: /do not touch/ }],
    ['a middleware that throws what has no text', () => raise(Object.create(null)), { dead: /without a text/ }],
  ])('%s', async (_name, middleware, end) => {
    let runs = 0;
    await start(withMiddleware({ name: 'hostile', run: () => { runs++; } }, [middleware]));
    await endsAs(end);
    if (_name.includes('done') || _name.includes('never')) expect(runs).toBe(0);
  });

  it('a circuit breaker whose isFailure throws counts a failure, and the handler\'s own error is told', async () => {
    const breaker = circuitBreaker({ scope: 'task', minimumTasks: 100, isFailure: thrower });
    await start(withMiddleware({ name: 'hostile', run: () => { throw new RangeError('of the handler'); } }, [breaker]));
    await endsAs({ dead: /of the handler/ });
  });

  it.each([['throws', thrower], ['throws what has no text', () => raise(revokedProxy())], ['gives no text', () => hostileProxy() as never]])('a key of limits that %s', async (_name, key) => {
    await start({ limits: new TaskLimits('hostile', { perKey: { key, process: 1 } }) });
    await endsAs({ dead: /./ });
  });

  it('an expiry that is no date', async () => {
    await start({});
    const { body, properties } = gofortFormat.encode({ uuid: 'u', name: 'good', args: [], headers: {} });
    const expired = Array.from({ length: TASKS }, () => broker.deliver(new ScriptedDelivery(body, { ...properties, headers: { [Header.expires]: -1e300 } })));
    await vi.waitFor(() => expect(expired.map(({ settled }) => settled)).toEqual(Array(TASKS).fill('ack')));
    await endsAs('succeeded');
  });
});

describe('the last resort', () => {
  it('frees the slot and makes a dead letter where our own code fails at the end of a task', async () => {
    const recorder = { reaches: () => true, record: () => Promise.resolve() };
    const gate = { name: 'broken', concerns: () => true, enter: () => Promise.resolve(null as never), leave: () => Promise.resolve() };
    await start({}, { results: { recorder, of: 'all' }, gates: [gate] });
    await broken(/could not be ended as it should/);
  });

  it('gives the delivery back where no dead letter can be made', async () => {
    const defect = (): never => { throw new TypeError('defect'); };
    const gate = { name: 'broken', concerns: () => true, enter: () => Promise.resolve({ kind: 'run' as const }), leave: () => Promise.resolve() };
    Object.defineProperty(gate, 'concerns', { get: defect });
    await start({}, { gates: [gate] });
    const sent = Array.from({ length: TASKS }, (_, index) => broker.deliver(delivery('hostile', `u${index}`)));
    await vi.waitFor(() => expect(sent.every(({ settled }) => settled !== undefined)).toBe(true));
    await vi.waitFor(() => expect(worker?.activity).toMatchObject({ running: 0, waiting: 0 }));
    expect(events.filter(({ type }) => type === 'worker.problem').length).toBeGreaterThanOrEqual(TASKS);
  });
});

async function broken(problem: RegExp): Promise<void> {
  const sent = Array.from({ length: TASKS }, (_, index) => broker.deliver(delivery('hostile', `u${index}`)));
  await vi.waitFor(() => expect(sent.map(({ settled }) => settled)).toEqual(Array(TASKS).fill('ack')));
  await vi.waitFor(() => expect(worker?.activity).toMatchObject({ running: 0, waiting: 0 }));
  expect(broker.published.map(({ message }) => message.properties.headers?.[Header.deadError] as string)).toEqual(Array(TASKS).fill(expect.stringMatching(/The worker, not the handler/)));
  const problems = events.flatMap((event) => (event.type === 'worker.problem' ? [event.message] : []));
  expect(problems).toEqual(Array(TASKS).fill(expect.stringMatching(problem)));
}

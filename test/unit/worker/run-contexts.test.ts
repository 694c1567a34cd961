import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import type { Handler } from '../../../lib/worker/handler.js';
import { currentTask } from '../../../lib/worker/task-context.js';
import { TaskWorker } from '../../../lib/worker/task-worker.js';
import { withMiddleware } from '../../../lib/worker/with-middleware.js';
import { ScriptedBroker, ScriptedDelivery } from '../../support/scripted-broker.js';

const quiet = { log() {}, warn() {}, error() {}, debug() {} };
const tenant = new AsyncLocalStorage<string>();
let broker: ScriptedBroker;
let worker: TaskWorker;
/** What each run found before it changed anything. */
let found: (string | undefined)[];

beforeEach(() => {
  broker = new ScriptedBroker();
  found = [];
});

afterEach(() => worker.close(0));

async function start(handler: Partial<Handler>, limit = 3): Promise<void> {
  worker = new TaskWorker({ name: 'w', queue: 'work', limit }, {
    broker, format: gofortFormat, handlers: new Map([['task', { name: 'task', run: () => undefined, ...handler }]]),
    emit: () => undefined, loggerFor: () => quiet, maxTaskBytes: 10_000,
  });
  await worker.start();
}

/** All in one async context, as what comes by one socket. */
async function deliver(count: number): Promise<void> {
  const sent = Array.from({ length: count }, (_, index) => {
    const { body, properties } = gofortFormat.encode({ uuid: `u${index}`, name: 'task', args: [], headers: {} });
    return broker.deliver(new ScriptedDelivery(body, properties));
  });
  await vi.waitFor(() => expect(sent.map(({ settled }) => settled)).toEqual(Array(count).fill('ack')));
}

function note(uuid: string): void {
  found.push(tenant.getStore());
  tenant.enterWith(uuid);
}

/** Reproduces: tenants and traces of one task were found by the next that came by the same socket. */
describe('the async context of a run', () => {
  it.each<[string, Partial<Handler>, number]>([
    ['a handler', { run: (_args, { uuid }) => note(uuid) }, 3],
    ['an async handler', { run: async (_args, { uuid }) => { note(uuid); await Promise.resolve(); tenant.enterWith(`${uuid} later`); } }, 3],
    ['an async handler whose end starts the next', { run: async (_args, { uuid }) => { note(uuid); await new Promise((resolve) => { setImmediate(resolve); }); } }, 1],
    ['a handler that fails', { run: (_args, { uuid }) => { note(uuid); throw new Error('oops'); } }, 1],
    ['a thenable that calls back where its handler ran', {
      run: (_args, { uuid }) => ({ then: (resolve: () => void) => { note(uuid); setImmediate(resolve); } }),
    }, 1],
    ['a middleware, as a guard', withMiddleware({ name: 'task', run: () => undefined }, [(context, next) => { note(context.uuid); return next(); }]), 2],
  ])('is its own: %s', async (_name, handler, limit) => {
    await start(handler, limit);
    await deliver(6);
    expect(found).toEqual(Array(6).fill(undefined));
    expect([tenant.getStore(), currentTask()]).toEqual([undefined, undefined]);
  });

  it('is that of who made the worker, not of who delivers or starts it again', async () => {
    await tenant.run('application', () => start({ run: (_args, { uuid }) => note(uuid) }));
    await worker.close(0);
    await tenant.run('request', () => worker.start());
    await tenant.run('socket', () => deliver(3));
    expect(found).toEqual(Array(3).fill('application'));
  });

  it('goes with everything that a handler does', async () => {
    const seen: unknown[] = [];
    await start({
      run: async (_args, { uuid }) => {
        tenant.enterWith(uuid);
        await new Promise((resolve) => { setImmediate(resolve); });
        seen.push(tenant.getStore() === uuid && currentTask()?.uuid === uuid);
      },
    });
    await deliver(6);
    expect(seen).toEqual(Array(6).fill(true));
  });
});

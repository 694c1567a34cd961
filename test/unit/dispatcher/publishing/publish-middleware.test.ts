import { describe, expect, it } from 'vitest';
import { publishThrough, type OutgoingTask, type PublishMiddleware } from '../../../../lib/dispatcher/publishing/publish-middleware.js';
import type { PublishedTask } from '../../../../lib/dispatcher/publishing/published-task.js';
import { Signal } from '../../../support/wait.js';

const accepted = { uuid: 'u' } as PublishedTask;

function setUp(...middlewares: PublishMiddleware[]) {
  const late: string[] = [];
  const sent: OutgoingTask[] = [];
  const through = publishThrough(middlewares, (name, _, error) => late.push(`${name}: ${(error as Error).message}`));
  const publish = (send: (task: OutgoingTask) => Promise<PublishedTask> = () => Promise.resolve(accepted)): Promise<PublishedTask> => (
    through({ uuid: 'u', name: 'x', args: [], headers: {}, routingKey: 'k' }, (task) => { sent.push(task); return send(task); }));
  return { late, sent, publish };
}

describe('middleware around publishing', () => {
  it('changes the task from the outside in, and resolves with what the broker said', async () => {
    const { sent, publish } = setUp(
      async (task, next) => { task.headers.order = ['a']; await next(); },
      (task, next) => { (task.headers.order as string[]).push('b'); return next(); });
    await expect(publish()).resolves.toBe(accepted);
    expect(sent[0]?.headers).toEqual({ order: ['a', 'b'] });
  });

  it('rejects with just the error of a veto, and sends nothing', async () => {
    const veto = new TypeError('not today');
    const { sent, publish } = setUp(() => { throw veto; });
    await expect(publish()).rejects.toBe(veto);
    expect(sent).toEqual([]);
  });

  it('rejects where a middleware ends without next: nobody may take such a task for accepted', async () => {
    const { publish } = setUp(function forgetful() { return accepted; });
    await expect(publish()).rejects.toThrow(/"x" was not published: the middleware forgetful ended without calling next/);
  });

  it('rejects with the failure of the broker even where a middleware swallows it; another error may take its place', async () => {
    const failure = (): Promise<PublishedTask> => Promise.reject(new Error('no route'));
    await expect(setUp((_, next) => next().catch(() => undefined)).publish(failure)).rejects.toThrow('no route');
    await expect(setUp((_, next) => next().catch(() => { throw new Error('mine'); })).publish(failure)).rejects.toThrow('mine');
  });

  it('resolves where a middleware fails once the task was accepted, and reports it', async () => {
    const { late, publish } = setUp(async function audit(_, next) { await next(); throw new Error('log is full'); });
    await expect(publish()).resolves.toBe(accepted);
    expect(late).toEqual(['audit: log is full']);
  });

  it('sends once where next is called twice', async () => {
    const { late, sent, publish } = setUp(async function doubled(_, next) { await next(); void next(); });
    await expect(publish()).resolves.toBe(accepted);
    expect([sent.length, late.length]).toEqual([1, 1]);
  });

  it('waits for the broker where a middleware does not', async () => {
    const confirm = new Signal<PublishedTask>();
    const { publish } = setUp((_, next) => { void next(); });
    let settled = false;
    const publishing = publish(() => confirm.promise).then((task) => { settled = true; return task; });
    await Promise.resolve();
    expect(settled).toBe(false);
    confirm.fire(accepted);
    await expect(publishing).resolves.toBe(accepted);
  });
});

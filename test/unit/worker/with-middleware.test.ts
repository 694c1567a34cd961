import { describe, expect, it } from 'vitest';
import { RetryLater } from '../../../lib/task/verdicts.js';
import type { Handler } from '../../../lib/worker/handler.js';
import type { RunMiddleware } from '../../../lib/worker/middleware.js';
import type { TaskContext } from '../../../lib/worker/task-context.js';
import { withMiddleware } from '../../../lib/worker/with-middleware.js';
import { Signal } from '../../support/wait.js';

const context = { name: 'x', state: {} } as TaskContext;

function run(middlewares: RunMiddleware[], handler: Handler['run'], args: unknown[] = []): Promise<unknown> {
  return Promise.resolve(withMiddleware({ name: 'x', run: handler }, middlewares).run(args, context));
}

// A verdict is thrown and is no error.
// eslint-disable-next-line @typescript-eslint/only-throw-error
const giveBackPaused = (): never => { throw new RetryLater(1); };

function noting(lines: string[], name: string): RunMiddleware {
  return async (_, next) => {
    lines.push(`${name} before`);
    await next();
    lines.push(`${name} after`);
  };
}

describe('middleware around a handler', () => {
  it('is not there where none is given', () => {
    const handler: Handler = { name: 'x', run: () => 1 };
    expect(withMiddleware(handler, [])).toBe(handler);
  });

  it('runs from the outside in and back, and hands the result through whoever returns nothing', async () => {
    const lines: string[] = [];
    const result = await run([noting(lines, 'a'), noting(lines, 'b')], (args) => { lines.push(`handler ${args.join()}`); return 'done'; }, [1, 2]);
    expect(lines).toEqual(['a before', 'b before', 'handler 1,2', 'b after', 'a after']);
    expect(result).toBe('done');
  });

  it('lets a middleware see the arguments, replace the result, and fill the state that the handler reads', async () => {
    const seen: unknown[] = [];
    const result = await run([async (task, next, args) => {
      Object.assign(task.state, { tenant: args[0] });
      return `${String(await next())}!`;
    }], (_, task) => { seen.push(task.state); return 'done'; }, ['acme']);
    expect([seen, result]).toEqual([[{ tenant: 'acme' }], 'done!']);
  });

  it('skips the handler where next is not called', async () => {
    let ran = false;
    expect(await run([() => 'cached'], () => { ran = true; })).toBe('cached');
    expect(ran).toBe(false);
  });

  it('fails with what a middleware throws, before or after', async () => {
    await expect(run([giveBackPaused], () => 1)).rejects.toBeInstanceOf(RetryLater);
    await expect(run([async (_, next) => { await next(); throw new Error('after'); }], () => 1)).rejects.toThrow('after');
  });

  it('succeeds where a middleware deals with a failure that it has seen', async () => {
    const handler = (): never => { throw new Error('down'); };
    expect(await run([async (_, next) => { try { return await next(); } catch { return 'fallback'; } }], handler)).toBe('fallback');
    expect(await run([(_, next) => next().catch(() => 'fallback')], handler)).toBe('fallback');
  });

  it('runs once and fails where next is called twice, also where nobody awaits the second call', async () => {
    let runs = 0;
    const handler = (): void => { runs++; };
    await expect(run([async function doubled(_, next) { await next(); await next(); }], handler)).rejects.toThrow(/doubled called next\(\) more than once/);
    await expect(run([async (_, next) => { await next(); void next(); }], handler)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_NEXT_TWICE' });
    expect(runs).toBe(2);
  });

  it('waits for the handler where a middleware does not, and fails with it', async () => {
    const lines: string[] = [];
    const release = new Signal();
    const running = run([(_, next) => { void next(); lines.push('middleware ended'); }], async () => { await release.promise; lines.push('handler ended'); })
      .then(() => lines.push('settled'));
    await Promise.resolve();
    release.fire();
    await running;
    expect(lines).toEqual(['middleware ended', 'handler ended', 'settled']);
    await expect(run([(_, next) => { void next(); }], () => { throw new Error('at once'); })).rejects.toThrow('at once');
    await expect(run([(_, next) => { void next(); }], async () => { await Promise.resolve(); throw new Error('later'); })).rejects.toThrow('later');
  });

  it('keeps its slot until the handler has ended where a middleware throws meanwhile', async () => {
    const release = new Signal();
    const lines: string[] = [];
    const running = run([(_, next) => { void next(); throw new Error('impatient'); }], async () => { await release.promise; lines.push('handler ended'); })
      .catch((error: Error) => lines.push(error.message));
    await Promise.resolve();
    release.fire();
    await running;
    expect(lines).toEqual(['handler ended', 'impatient']);
  });
});

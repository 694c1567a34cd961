import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextPhase } from 'node:timers/promises';
import type { CallHandler, NestInterceptor } from '@nestjs/common';
import { InterceptorsConsumer } from '@nestjs/core/interceptors/index';
import fc from 'fast-check';
import { catchError, concat, defaultIfEmpty, EMPTY, isObservable, lastValueFrom, map, mergeMap, NEVER, of, race, retry, take, tap, throwError, timer, toArray, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { TaskInterceptors } from '../../../../lib/nest/handlers/task-interceptors.js';

/** Who is seen from inside: an interceptor may say so around what it calls. */
const place = new AsyncLocalStorage<string>();

type Make = (next: CallHandler, tell: (line: string) => void) => unknown;

/** What interceptors do, and some of what they should not. */
const KINDS: Record<string, Make> = {
  passes: (next) => next.handle(),
  changes: (next) => next.handle().pipe(map((value) => `<${String(value)}>`)),
  watches: (next, tell) => next.handle().pipe(tap({ next: () => tell('next'), error: () => tell('error'), complete: () => tell('complete'), unsubscribe: () => tell('unsubscribe') })),
  waits: async (next) => { await nextPhase(); return next.handle(); },
  handlesFirst: (next) => { const inside = next.handle(); return timer(0).pipe(mergeMap(() => inside)); },
  elsewhere: (next) => place.run('elsewhere', () => next.handle()),
  repeats: (next) => concat(next.handle(), next.handle()),
  oneForTwo: (next) => { const inside = next.handle(); return concat(inside, inside); },
  retries: (next) => next.handle().pipe(retry(2)),
  catches: (next, tell) => next.handle().pipe(catchError((error: Error) => { tell(`caught ${error.message}`); return of('caught'); })),
  takesOne: (next) => next.handle().pipe(take(1)),
  gathers: (next) => next.handle().pipe(toArray(), map((values) => values.join('+'))),
  fills: (next) => next.handle().pipe(defaultIfEmpty('filled')),
  cuts: (next) => race(next.handle(), of('cut')),
  answers: () => of('answered', 'twice'),
  empties: () => EMPTY,
  lists: () => ['a', 'b'],
  promisesNothing: () => Promise.resolve(undefined),
  returnsNothing: () => undefined,
  fails: () => throwError(() => new Error('failed')),
  throws: () => { throw new Error('thrown'); },
  rejects: () => Promise.reject(new Error('rejected')),
};

const HANDLERS: Record<string, (run: number) => unknown> = {
  returns: (run) => `value ${run}`,
  undefined: () => undefined,
  array: () => ['x', 'y'],
  observable: () => of('one', 'two'),
  emptyObservable: () => EMPTY,
  failingObservable: () => concat(of('one'), throwError(() => new Error('in the stream'))),
  throws: () => { throw new Error('handler'); },
  throwsOnce: (run) => { if (run === 1) throw new Error('handler'); return `value ${run}`; },
  slow: async (run) => { await nextPhase(); return `slow ${run}`; },
};

/** All that can be seen of it: the outcome, and who did what, in which order, and where. */
async function story(consumer: InterceptorsConsumer, kinds: readonly string[], handler: string): Promise<string[]> {
  const lines: string[] = [];
  let runs = 0;
  const interceptors = kinds.map((kind, index): NestInterceptor => ({
    intercept(context, next) {
      const tell = (line: string): void => void lines.push(`${index} ${kind}: ${line} at ${place.getStore()}`);
      tell(`enters ${context.getType<string>()} ${context.getClass().name}.${context.getHandler().name}(${context.getArgs().join()})`);
      return KINDS[kind]!(next, tell) as Observable<unknown>;
    },
  }));
  const host = new Host();
  const run = async (): Promise<unknown> => {
    lines.push(`handler at ${place.getStore()}`);
    return HANDLERS[handler]!(++runs);
  };
  try {
    const value = await place.run('task', async () => {
      const result = await consumer.intercept(interceptors, ['a', 1], host, host.method, run, 'dispatcher');
      return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
    });
    lines.push(`gives ${JSON.stringify(value)}`);
  } catch (error) {
    lines.push(`rejects with ${(error as Error).message}`);
  }
  await nextPhase();
  return lines;
}

class Host { method(): void { /* Stands for a handler. */ } }

const kind = fc.constantFrom(...Object.keys(KINDS));
const handler = fc.constantFrom(...Object.keys(HANDLERS));

describe('TaskInterceptors', () => {
  it.each(Object.keys(KINDS))('does what Nest does with an interceptor that %s', async (one) => {
    for (const what of Object.keys(HANDLERS)) {
      expect(await story(new TaskInterceptors(), [one], what)).toEqual(await story(new InterceptorsConsumer(), [one], what));
    }
  });

  it('lets go of what is inside before those outside hear that it is complete, as Nest does', async () => {
    const kinds = ['watches', 'takesOne', 'watches'];
    for (const what of Object.keys(HANDLERS)) {
      expect(await story(new TaskInterceptors(), kinds, what)).toEqual(await story(new InterceptorsConsumer(), kinds, what));
    }
  });

  it('does what Nest does with any interceptors inside each other', async () => {
    await fc.assert(fc.asyncProperty(fc.array(kind, { maxLength: 4 }), handler, async (kinds, what) => {
      expect(await story(new TaskInterceptors(), kinds, what)).toEqual(await story(new InterceptorsConsumer(), kinds, what));
    }), { numRuns: 1000 });
  });

  it('does not run a handler whose Observable is let go of before it is subscribed to inside', async () => {
    let runs = 0;
    const gone: NestInterceptor = { intercept: (_, next) => { next.handle().subscribe().unsubscribe(); return of('gone'); } };
    const never: NestInterceptor = { intercept: () => NEVER };
    const host = new Host();
    const result = await new TaskInterceptors().intercept([gone, never], [], host, host.method, () => Promise.resolve(runs++));
    await nextPhase();
    expect([result, runs]).toEqual(['gone', 0]);
  });
});

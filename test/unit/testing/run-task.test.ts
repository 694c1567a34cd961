import { Injectable, ParseIntPipe, UseInterceptors, UsePipes, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { map, type Observable } from 'rxjs';
import { z } from 'zod';
import { Arg, Task, TaskContext, type Injected, type TaskContext as Context } from '../../../lib/index.js';
import { startTested } from './tested-app.js';

@Injectable()
class Doubling implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value) => [value, value]));
  }
}

const Order = z.object({ id: z.int(), at: z.coerce.date<string>() });

@Injectable()
class Whole {
  @Task('whole.see')
  see(value: unknown, @TaskContext() context: Injected<Context>): unknown {
    return { value, attempt: context.attempt, redelivered: context.redelivered, tenant: context.headers.tenant };
  }

  @Task('whole.double')
  @UseInterceptors(Doubling)
  double(@Arg(0, ParseIntPipe) text: string): number {
    return text as unknown as number + 1;
  }

  @Task('whole.order', { schema: Order })
  order(order: z.input<typeof Order>): boolean {
    return (order.at as unknown) instanceof Date;
  }

  @Task('whole.fail', { retry: { attempts: 5 } })
  fail(): never {
    throw new RangeError('as it was thrown');
  }

  @Task('whole.stop')
  stop(@TaskContext() context: Injected<Context>): Promise<void> {
    return new Promise((_, reject) => context.signal.addEventListener('abort', () => reject(context.signal.reason as Error)));
  }

  @Task('whole.cannot-travel')
  cannotTravel(): unknown {
    return { toJSON: () => { throw new Error('not me'); } };
  }
}

const start = (mode?: 'manual' | 'inline') => startTested(mode === undefined ? {} : { mode }, {}, [Whole, Doubling]);

describe('runTask', () => {
  it.each([undefined, 'manual', 'inline'] as const)('gives what travelled, to the handler and back: %s', async (mode) => {
    const { testing } = await start(mode);
    expect(await testing.runTask(Whole, 'see', [{ at: new Date(0), none: undefined }])).toEqual({ value: { at: '1970-01-01T00:00:00.000Z' }, attempt: 1, redelivered: false });
    expect(await testing.runTask(Whole, 'see', [1n], { attempt: 3, redelivered: true, headers: { tenant: 'a' } })).toMatchObject({ attempt: 3, redelivered: true, tenant: 'a' });
  });

  it('goes through pipes, interceptors and schemas', async () => {
    const { testing } = await start();
    expect(await testing.runTask(Whole, 'double', ['41'])).toEqual([42, 42]);
    expect(await testing.runTask(Whole, 'order', [{ id: 1, at: '2026-01-01' }])).toBe(true);
    await expect(testing.runTask(Whole, 'double', ['x'])).rejects.toThrow(/numeric string is expected/);
    await expect(testing.runTask(Whole, 'order', [{ id: 1.5, at: '2026-01-01' }])).rejects.toMatchObject({ code: 'ERR_DISPATCHER_INVALID_ARGUMENTS' });
  });

  it('throws what the handler throws, and leaves nothing behind', async () => {
    const { testing, dispatcher } = await start();
    await expect(testing.runTask(Whole, 'fail', [])).rejects.toThrow(new RangeError('as it was thrown'));
    expect(await testing.drain({ delayed: true })).toMatchObject({ retrying: 0, failed: 0, succeeded: 0 });
    expect(testing.published()).toEqual([]);
    expect(await dispatcher.deadLetters.list('mail')).toMatchObject({ letters: [] });
  });

  it('stops by its signal', async () => {
    const { testing } = await start();
    const controller = new AbortController();
    const run = testing.runTask(Whole, 'stop', [], { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 5);
    await expect(run).rejects.toThrow('enough');
  });

  it('fails for what cannot travel', async () => {
    const { testing } = await start();
    await expect(testing.runTask(Whole, 'see', [() => 1] as never)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_INVALID_TASK' });
    await expect(testing.runTask(Whole, 'cannotTravel', [])).rejects.toThrow(/JSON/);
  });

  it('says what it cannot run', async () => {
    const { testing } = await start();
    await expect(testing.runTask(Whole, 'see', [1], { attempt: 0 })).rejects.toThrow(/attempt/);
    class Elsewhere { @Task('elsewhere') run(): void { /* never */ } }
    await expect(testing.runTask(Elsewhere, 'run', [])).rejects.toThrow(/No worker under test takes tasks named "elsewhere"/);
  });
});

void UsePipes;

import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { ConfigurationError, Task, TaskContext, TaskUuid, type BatchContext, type BatchedTask, type Injected, type PublishedTask, type ResultValue, type SentArguments, type TaskClient } from '../../../lib/index.js';
import { createTaskClient } from '../../../lib/nest/task-client.js';

class Base {
  @Task('inherited') inherited(text: string): string { return text; }
  @Task('hidden') hidden(): void { return; }
}

@Injectable()
class MathTasks extends Base {
  readonly field = 1;
  @Task('sum') @Task('add') add(a: number, b: number): number { return a + b; }
  @Task('with_context') withContext(a: number, context: TaskContext): string { return `${a} ${context.uuid}`; }
  @Task('decorated') decorated(@TaskContext() context: TaskContext, a: number, @TaskUuid() uuid: Injected<string>, b?: string): string {
    return `${context.uuid} ${a} ${uuid.length} ${b}`;
  }
  override hidden(): void { return; }
  helper(): void { return; }
}

class Batching {
  index(_tasks: readonly BatchedTask<[id: number, text: string], { version: number }>[], _batch: BatchContext): void { return; }
  bare(_tasks: BatchedTask[]): Promise<void> { return Promise.resolve(); }
  silent(_tasks: readonly BatchedTask<[string], void>[]): void { return; }
  lists(_a: string[], _b: number): void { return; }
}

/** Types that must be the same, or the type check fails. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
/** Whether nothing that one has can be passed for a parameter of this type. */
type TakesNothing<T> = T extends SentArguments<[T]>[0] ? false : true;

class Dto {
  name = 'x';
  readonly when = new Date(0);
  greet(): string { return this.name; }
}

/** Goes round in circles, as entities do. */
interface Customer { readonly name: string; readonly orders: readonly { readonly customer: Customer; readonly paid?: Date | null }[]; readonly best?: Customer }
type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
interface Tree<T> { readonly value: T; readonly below?: Tree<Tree<T>> }

const nested: [
  Same<TakesNothing<{ tags: Map<string, number> }>, true>, Same<TakesNothing<{ a: { b?: { c: Set<string> }[] } }>, true>, Same<TakesNothing<readonly { done: Promise<void> }[]>, true>,
  Same<TakesNothing<Record<string, Uint8Array>>, true>, Same<TakesNothing<{ kind: 'a' } | { kind: 'b'; tags: Map<string, number> | null }>, boolean>, Same<TakesNothing<{ tags: Map<string, number> | string }>, true>,
  Same<TakesNothing<Customer>, false>, Same<TakesNothing<Json>, false>, Same<TakesNothing<Tree<string>>, false>, Same<TakesNothing<{ bytes: Buffer; at: Date; dto: Dto; self: { toJSON(): string; held: Map<string, string> } }>, false>,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a handler may be typed so
  Same<TakesNothing<{ anything: any; some: unknown; one: object; name?: string; list: any[] }>, false>, Same<TakesNothing<any[]>, false>, Same<TakesNothing<(() => void)[]>, true>,
  Same<SentArguments<[a: { kind: 'a' } | { kind: 'b'; id: bigint }]>, [{ kind: 'a' } | { kind: 'b'; id: bigint }]>,
] = [true, true, true, true, true, true, true, true, true, true, true, true, true, true];

const proofs: [
  Same<SentArguments<[]>, []>,
  Same<SentArguments<[a: number, b: string]>, [number, string]>,
  Same<SentArguments<[a: number, context: TaskContext]>, [number]>,
  Same<SentArguments<[a: number, context?: TaskContext]>, [number]>,
  Same<SentArguments<[context: TaskContext, a?: number]>, [number?]>,
  Same<SentArguments<[a: number, uuid: Injected<string>, b: bigint]>, [number, bigint]>,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a handler may be typed so
  Same<SentArguments<[a: any]>, [any]>,
  Same<SentArguments<[a: object, b: unknown, c: { x?: number }]>, [object, unknown, { x?: number }]>,
  Same<SentArguments<number[]>, number[]>,
  Same<SentArguments<[first: string, ...rest: number[]]>, [string, ...number[]]>,
  Same<SentArguments<[when: Date, dto: Dto, list: Date[], maybe?: Dto]>, [Date, Dto, Date[], Dto?]>,
  Same<TakesNothing<Map<string, number>>, true>, Same<TakesNothing<Set<string>>, true>, Same<TakesNothing<() => void>, true>,
  Same<TakesNothing<Promise<number>>, true>, Same<TakesNothing<Buffer>, true>, Same<TakesNothing<Float64Array>, true>, Same<TakesNothing<symbol>, true>,
  Same<TakesNothing<Map<string, number>[]>, true>, Same<TakesNothing<RegExp>, true>, Same<TakesNothing<Dto>, false>, Same<TakesNothing<{ name: string; message: string }>, false>,
  Same<keyof TaskClient<MathTasks>, 'inherited' | 'hidden' | 'add' | 'withContext' | 'decorated' | 'helper'>,
  Same<ReturnType<TaskClient<MathTasks>['add']>, Promise<PublishedTask<number>>>,
  Same<ReturnType<TaskClient<MathTasks>['inherited']>, Promise<PublishedTask<string>>>,
  Same<Awaited<ReturnType<PublishedTask<number>['result']>>, number>,
  Same<Parameters<TaskClient<Batching>['index']>, [id: number, text: string]>, Same<ReturnType<TaskClient<Batching>['index']>, Promise<PublishedTask<{ version: number }>>>,
  Same<Parameters<TaskClient<Batching>['bare']>, unknown[]>, Same<Parameters<TaskClient<Batching>['lists']>, [a: string[], b: number]>, Same<ReturnType<TaskClient<Batching>['silent']>, Promise<PublishedTask<void>>>,
  Same<ResultValue<Promise<{ rows: bigint }>>, { rows: bigint }>,
  Same<ResultValue<Observable<string>>, string>,
  Same<ResultValue<Promise<Observable<string>>>, string>,
  Same<ResultValue<void>, void>,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a handler may be typed so
  Same<ResultValue<any>, any>,
] = [true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true];

function client(): { tasks: TaskClient<MathTasks>; sent: [string, readonly unknown[]][] } {
  const sent: [string, readonly unknown[]][] = [];
  const publish = (name: string, args: readonly unknown[]): Promise<PublishedTask> => {
    sent.push([name, args]);
    return Promise.resolve({ uuid: 'u' } as PublishedTask);
  };
  return { tasks: createTaskClient(MathTasks, publish), sent };
}

describe('client', () => {
  it('publishes by method, with the arguments of the caller', async () => {
    const { tasks, sent } = client();
    expect(await tasks.add(1, 2)).toEqual({ uuid: 'u' });
    await tasks.withContext(3);
    await tasks.decorated(4, 'b');
    await tasks.inherited('x');
    expect(sent).toEqual([['sum', [1, 2]], ['with_context', [3]], ['decorated', [4, 'b']], ['inherited', ['x']]]);
  });

  it('is checked by the compiler', () => {
    const { tasks } = client();
    expect([...proofs, ...nested]).not.toContain(false);
    // @ts-expect-error a string is not a number
    void tasks.add('1', 2);
    // @ts-expect-error one argument is missing
    void tasks.add(1);
    // @ts-expect-error the context does not come from the caller
    void tasks.withContext(1, {} as TaskContext);
    // @ts-expect-error a field is no task
    expect(tasks.field).toBeUndefined();
  });

  it('explains a method without @Task, and a class without any', () => {
    const { tasks } = client();
    expect(() => tasks.helper()).toThrow(/MathTasks\.helper is no task.*Tasks of the class: add, withContext, decorated, inherited/);
    expect(() => tasks.hidden()).toThrow(ConfigurationError);
    expect(() => createTaskClient(class Empty {}, () => Promise.reject(new Error()))).toThrow(/client\(Empty\): the class has no @Task/);
    expect(() => createTaskClient(undefined as never, () => Promise.reject(new Error()))).toThrow(/takes a class/);
  });

  it('can be awaited and printed without being taken for something else', async () => {
    const { tasks } = client();
    expect(await Promise.resolve(tasks)).toBe(tasks);
    expect('add' in tasks && !('helper' in tasks)).toBe(true);
    expect(Object.keys(tasks)).toEqual([]);
  });
});

import type { Type } from '@nestjs/common';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Observable } from 'rxjs';
import { ConfigurationError } from '../errors.js';
import type { TaskContext } from '../worker/task-context.js';
import { nearestName } from '../task/nearest-name.js';
import type { BatchedTask } from '../worker/batches/batched-task.js';
import type { PublishedTask } from '../dispatcher/publishing/published-task.js';
import type { TaskMark, TaskOptions } from '../dispatcher/config/task-options.js';
import { routingKeyOf } from '../dispatcher/placement/known-task.js';
import { taskMarksOf } from './task-marks.js';

declare const injected: unique symbol;

/**
 * The type of a handler's parameter that does not come from the caller, for the typed client to leave out:
 * `add(a: number, b: number, @TaskUuid() uuid: Injected<string>)`. At run time it is just `T`.
 *
 * @publicApi
 */
export type Injected<T> = T & { readonly [injected]?: true };

declare const sent: unique symbol;

/**
 * The type of a handler's parameter that a schema makes: in the handler what it gives, in the typed client what it takes.
 * `ship(order: Parsed<typeof Order>)`, where the schema reads `z.coerce.date()`, gets a `Date` and is sent a text.
 *
 * @publicApi
 */
export type Parsed<Schema extends StandardSchemaV1> = StandardSchemaV1.InferOutput<Schema> & { readonly [sent]?: StandardSchemaV1.InferInput<Schema> };

/**
 * The methods of a provider as a caller sees them: the same arguments, without parameters of type
 * `TaskContext` or `Injected<...>`; of a batch handler, which takes a list of `BatchedTask<Args, Result>`, those of one
 * task. They publish the task and resolve when the broker has it.
 *
 * @publicApi
 */
export type TaskClient<Provider> = {
  readonly [Key in keyof Provider as Provider[Key] extends (...args: never[]) => unknown ? Key : never]:
  (...args: SentTo<Provider[Key]>) => Promise<PublishedTask<ResultOf<Provider[Key]>>>;
};

/** What a caller sends to a method with `@Task`. @publicApi */
export type SentTo<Method> = Method extends (...args: infer Arguments) => unknown
  ? SentArguments<[BatchedOf<Arguments>] extends [never] ? Arguments : BatchedOf<Arguments>['args']> : never;

/** What its `result()` gives. @publicApi */
export type ResultOf<Method> = Method extends (...args: infer Arguments) => infer Returned
  ? [BatchedOf<Arguments>] extends [never] ? ResultValue<Returned> : BatchedOf<Arguments> extends BatchedTask<infer _, infer Result> ? Result : never : never;

/** What a batch handler takes many of; `never` where it is none. */
type BatchedOf<Arguments extends readonly unknown[]> = Arguments extends readonly [readonly (infer Item)[], ...unknown[]]
  ? IsAny<Item> extends true ? never : Item extends BatchedTask<infer Sent, infer Result> ? BatchedTask<Sent, Result> : never
  : never;

/**
 * What `result()` gives of what a handler returns: what its promise resolves to, or the last value of its Observable.
 * It travels as JSON: a `Date` arrives as its ISO text, a class instance as a plain object.
 *
 * @publicApi
 */
export type ResultValue<Returned> = Awaited<Returned> extends Observable<infer Value> ? Value : Awaited<Returned>;

/**
 * What has no JSON form: passing it does not compile. Bytes travel as text, `bytes.toString('base64')`, a `Map` or `Set` as a
 * list, a promise once it is awaited.
 *
 * @publicApi
 */
export type Unsendable =
  | ((...args: never[]) => unknown) | symbol | ReadonlyMap<never, unknown> | ReadonlySet<never> | WeakMap<never, unknown> | WeakSet<never>
  | PromiseLike<unknown> | RegExp | ArrayBuffer | SharedArrayBuffer | ArrayBufferView;

/** What a parameter takes from its caller. */
type Sent<T> = IsAny<T> extends true ? T : typeof sent extends keyof T ? InputOf<T> : T extends Unsendable ? NotSendable
  : true extends HasUnsendable<T, []> ? NotSendable : T;

/**
 * Whether something without a JSON form stands within it, as far down as `Deepest`: types may go round in circles. What
 * `toJSON` is on says itself what it is. A function of an object is let pass: a method of a class does not travel, and harms nobody.
 */
type HasUnsendable<T, Depth extends readonly unknown[]> = IsAny<T> extends true ? false : unknown extends T ? false
  : T extends Primitive | ((...args: never[]) => unknown) | { toJSON(...args: never[]): unknown } ? false
    : T extends Unsendable ? true
      : Depth['length'] extends Deepest ? false
        : T extends readonly (infer Item)[] ? (HasFunction<Item> extends true ? true : HasUnsendable<Item, [...Depth, T]>)
          : T extends object ? { [Key in keyof T]-?: HasUnsendable<T[Key], [...Depth, T]> }[keyof T] : false;

type HasFunction<T> = IsAny<T> extends true ? false : [Extract<T, (...args: never[]) => unknown>] extends [never] ? false : true;
type Primitive = string | number | bigint | boolean | null | undefined;
type Deepest = 4;

type InputOf<T> = T extends { readonly [sent]?: infer Input } ? Exclude<Input, undefined> : never;

interface NotSendable { readonly 'has no JSON form: pass data': never }

/** The arguments that travel. @publicApi */
export type SentArguments<Arguments extends readonly unknown[]> =
  Arguments extends readonly [] ? []
    : Arguments extends readonly [infer First, ...infer Rest]
      ? IsInjected<First> extends true ? SentArguments<Rest> : [Sent<First>, ...SentArguments<Rest>]
      : number extends Arguments['length'] ? Arguments extends readonly (infer Item)[] ? Sent<Item>[] : never
        : Arguments extends readonly [(infer First)?, ...infer Rest]
          ? IsInjected<First> extends true ? SentArguments<Rest> : [Sent<First>?, ...SentArguments<Rest>]
          : never;

type IsAny<T> = 0 extends 1 & T ? true : false;
type IsInjected<T> = IsAny<T> extends true ? false
  : [T] extends [TaskContext | undefined] ? true
    : [T] extends [{ readonly [injected]?: true }] ? (typeof injected extends keyof T ? true : false) : false;

type Wanted = Pick<TaskOptions, 'result' | 'unique' | 'debounce' | 'throttle' | 'order' | 'routingKey'> & { readonly version: number };

/** Sends a task by name; its handler says what is wanted of each. */
type Publish = (name: string, args: readonly unknown[], wanted: Wanted) => Promise<PublishedTask>;

/** @throws ConfigurationError where the class has no `@Task` at all */
export function createTaskClient<Provider extends object>(provider: Type<Provider>, publish: Publish): TaskClient<Provider> {
  const prototype = (provider as { prototype?: object } | undefined)?.prototype;
  if (prototype === undefined) throw new ConfigurationError('client() takes a class with @Task methods, such as client(MathTasks).');
  const tasks = new Map([...taskMarksOf(prototype)].flatMap(([method, marks]) => marks.slice(0, 1).map((mark) => [method, mark])));
  if (tasks.size === 0) throw new ConfigurationError(`client(${provider.name}): the class has no @Task method.`, { provider: provider.name });
  const methods = new Map([...tasks].map(([method, { name, options }]) => {
    const wanted = wantedOf(options);
    return [method, (...args: unknown[]) => publish(name, args, wanted)];
  }));
  return new Proxy({}, {
    get: (_, key) => {
      const method = typeof key === 'string' ? methods.get(key) : undefined;
      if (method !== undefined || typeof key !== 'string' || !(key in prototype) || key in Object.prototype) return method;
      throw notATask(provider.name, key, tasks);
    },
    has: (_, key) => typeof key === 'string' && methods.has(key),
  }) as TaskClient<Provider>;
}

function wantedOf({ result, unique, debounce, throttle, order, version = 1, ...place }: TaskOptions): Wanted {
  const wanted = { result: result === true ? true : undefined, unique, debounce, throttle, order, routingKey: routingKeyOf(place) };
  return { version, ...Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined)) };
}

function notATask(className: string, method: string, tasks: ReadonlyMap<string, TaskMark>): ConfigurationError {
  const nearest = nearestName(method, tasks.keys());
  return new ConfigurationError(
    `${className}.${method} is no task: it has no @Task. ${nearest === undefined ? '' : `Did you mean "${nearest}"? `}Tasks of the class: ${[...tasks.keys()].join(', ')}.`,
    { provider: className, method });
}

import type { ArgumentType } from '../task/argument-types.js';

/** A JSON Schema, draft 07. `true`: nothing is known of the value, or anything will do. @publicApi */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/**
 * Which tasks an application takes, and how: plain data without clocks or chance in it, so that the same code always gives
 * the same contract. It travels as an AsyncAPI 3 document, see `contractText`.
 *
 * @publicApi
 */
export interface Contract {
  /** Of the application. Default: its exchange. */
  readonly title: string;
  /** Of the application, as its makers count. Default: `1.0.0`. */
  readonly version: string;
  /** The exchange that tasks are published to. */
  readonly exchange: string;
  /** By name, and of one name the oldest version first. */
  readonly tasks: readonly TaskContract[];
}

/** One version of one task. @publicApi */
export interface TaskContract {
  readonly name: string;
  /** From 1. */
  readonly version: number;
  readonly description?: string;
  /** It is still taken, and should not be published any more; a text says what to publish instead. */
  readonly deprecated?: true | string;
  /** What it is published with. */
  readonly routingKey: string;
  /** Where it waits; absent where that is up to the bindings of the broker. */
  readonly queue?: string;
  /** By position. */
  readonly arguments: readonly ArgumentContract[];
  /** What further arguments are: `false` where there may be none. */
  readonly moreArguments: JsonSchema;
  /** What `result()` gives. Absent where nothing is known of it. */
  readonly result?: JsonSchema;
  /** Versions whose waiting tasks it takes, by an upgrade of their arguments. */
  readonly upgradesFrom?: readonly number[];
  readonly options: TaskContractOptions;
}

/** @publicApi */
export interface ArgumentContract {
  readonly name?: string;
  /** Absent where nobody knows: then as if it were. */
  readonly required?: boolean;
  /** How `publish` sends it, where that is known. Whatever type its value fits is taken. */
  readonly types?: readonly ArgumentType[];
  /** What is taken: before the handler makes something else of it. */
  readonly schema: JsonSchema;
}

/** What of a task's options concerns others. Functions, which stay at the worker, are left out. @publicApi */
export interface TaskContractOptions {
  readonly timeoutSeconds?: number;
  readonly retry?: { readonly [option: string]: string | number };
  /** Its result is told, whoever publishes it. */
  readonly result?: true;
  readonly unique?: { readonly scope: string; readonly seconds?: number; readonly replaceArguments?: true };
  /** Which of its tasks run of those that share a window. */
  readonly debounce?: { readonly [option: string]: unknown };
  readonly throttle?: { readonly [option: string]: unknown };
  /** They run one after the other. */
  readonly order?: { readonly [option: string]: unknown };
  readonly limits?: { readonly [option: string]: unknown };
  /** Its handler takes many at once. */
  readonly batch?: { readonly [option: string]: unknown };
  /** Its queue has levels: it may be published with a `priority`. */
  readonly priorities?: true;
}

/** `resize`, and `resize, version 2`, for people. */
export function titleOfTask({ name, version }: Pick<TaskContract, 'name' | 'version'>): string {
  return version === 1 ? name : `${name}, version ${version}`;
}

/** The order of a contract: the same whatever order code is found in. */
export function byNameAndVersion(one: Pick<TaskContract, 'name' | 'version'>, other: Pick<TaskContract, 'name' | 'version'>): number {
  if (one.name !== other.name) return one.name < other.name ? -1 : 1;
  return one.version - other.version;
}

import type { MessagePort } from 'node:worker_threads';
import { InvalidArgumentsError } from '../../errors.js';
import { errorMessage, errorName, isA, stackOf, textOf } from '../../task/error-text.js';
import { errorTree, type ErrorTree } from '../../task/error-tree.js';
import { GiveUp, RetryLater, SucceedEarly } from '../../task/verdicts.js';
import type { TaskContext } from '../../worker/task-context.js';

/** What a thread is told of the task: everything of its context that can be copied. */
export type ThreadTaskFacts = Pick<TaskContext, 'uuid' | 'name' | 'attempt' | 'redelivered' | 'headers' | 'queue' | 'worker' | 'state'>;

/** One attempt on its way into a thread. */
export interface ThreadCall {
  readonly args: unknown[];
  /** Of the handler. */
  readonly version: number;
  readonly facts: ThreadTaskFacts;
  readonly port: MessagePort;
}

/** From the thread, while it runs. */
export type ThreadNotice =
  | { readonly kind: 'started' }
  | { readonly kind: 'progress'; readonly fraction: number; readonly data: unknown }
  | { readonly kind: 'log'; readonly level: 'log' | 'warn' | 'error' | 'debug'; readonly message: string; readonly stack?: string };

/** How it ended there. */
export type ThreadOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly thrown: Thrown };

/** What was thrown, as plain data: classes do not cross. */
export type Thrown =
  | { readonly kind: 'retry-later'; readonly seconds: number; readonly options: RetryLater['options'] }
  | { readonly kind: 'give-up'; readonly reason: string; readonly cause?: Thrown }
  | { readonly kind: 'invalid-arguments'; readonly message: string; readonly issues: readonly string[]; readonly cause?: Thrown }
  | { readonly kind: 'succeed-early'; readonly value: unknown }
  | { readonly kind: 'error'; readonly name: string; readonly message: string; readonly stack?: string; readonly properties: Record<string, unknown>; readonly cause?: Thrown; readonly errors?: readonly Thrown[] }
  | { readonly kind: 'value'; readonly value: unknown };

export function packThrown(thrown: unknown): Thrown {
  if (isA(thrown, RetryLater)) {
    const { charged, reason } = thrown.options;
    return { kind: 'retry-later', seconds: thrown.seconds, options: { charged: charged === true, reason: reason === undefined ? undefined : textOf(reason) } };
  }
  if (isA(thrown, GiveUp)) return { kind: 'give-up', reason: textOf(thrown.reason), cause: thrown.cause === undefined ? undefined : packError(errorTree(thrown.cause)) };
  if (isA(thrown, SucceedEarly)) return { kind: 'succeed-early', value: canCross(thrown.value) ? thrown.value : undefined };
  if (isA(thrown, InvalidArgumentsError)) return packRefusal(thrown);
  return packError(errorTree(thrown));
}

function packRefusal(refusal: InvalidArgumentsError): Thrown {
  const { cause } = errorTree(refusal);
  return { kind: 'invalid-arguments', message: errorMessage(refusal), issues: refusal.issues.map(textOf), ...(cause === undefined ? {} : { cause: packError(cause) }) };
}

function packError({ thrown, cause, members }: ErrorTree): Thrown {
  if (!isA(thrown, Error)) return { kind: 'value', value: canCross(thrown) ? thrown : textOf(thrown) };
  const behind = {
    ...(cause === undefined ? {} : { cause: packError(cause) }), ...(members.length === 0 ? {} : { errors: members.map(packError) }),
  };
  return { kind: 'error', name: errorName(thrown), message: errorMessage(thrown), stack: stackOf(thrown), properties: propertiesOf(thrown, behind), ...behind };
}

function propertiesOf(error: Error, packed: object): Record<string, unknown> {
  try {
    return Object.fromEntries(Object.entries(error).filter(([name, value]) => !Object.hasOwn(packed, name) && canCross(value)));
  } catch {
    return {};
  }
}

/** The same to whoever looks at its name, message, stack and properties; `instanceof` of the application's own classes is lost. */
export function unpackThrown(thrown: Thrown): unknown {
  switch (thrown.kind) {
    case 'retry-later': return new RetryLater(thrown.seconds, thrown.options);
    case 'give-up': return new GiveUp(thrown.reason, thrown.cause && unpackThrown(thrown.cause));
    case 'invalid-arguments': return new InvalidArgumentsError(thrown.message, thrown.issues, {}, thrown.cause && unpackThrown(thrown.cause));
    case 'succeed-early': return new SucceedEarly(thrown.value);
    case 'value': return thrown.value;
    default: {
      const error = Object.assign(new Error(thrown.message), thrown.properties);
      return Object.defineProperties(error, {
        name: hidden(thrown.name), stack: hidden(thrown.stack),
        ...(thrown.cause === undefined ? {} : { cause: hidden(unpackThrown(thrown.cause)) }),
        ...(thrown.errors === undefined ? {} : { errors: hidden(thrown.errors.map(unpackThrown)) }),
      });
    }
  }
}

function hidden(value: unknown): PropertyDescriptor {
  return { value, configurable: true, writable: true };
}

/** False for functions, symbols and what contains them. */
export function canCross(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function' && typeof value !== 'symbol';
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

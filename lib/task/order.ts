import { InvalidTaskError } from '../errors.js';
import { keyOfArguments } from './argument-path.js';
import { messageOf } from './error-text.js';
import { onceHeaders } from './once.js';
import { encodeOrderMark, type OrderMark, orderProblem } from './order-options.js';
import { Header } from './headers.js';
import type { TaskArgument, TaskHeaders, TaskInput } from './task.js';

/** A copy of one that has ended is not run for so long: there are several only where a process died while it sent one. */
const REMEMBERED_SECONDS = 600;

type Asked = Pick<TaskInput, 'name' | 'order' | 'debounce' | 'throttle' | 'delaySeconds' | 'eta'>;

export interface OrderSource {
  /** From a task's name and a text to the key in the shared state. Absent: it can stand in none. */
  readonly orderKey?: ((name: string, text: string) => string) | undefined;
  readonly newUuid: () => string;
}

/** `undefined`: it stands in no line. @throws InvalidTaskError */
export function orderMark(input: Asked, args: readonly TaskArgument[], { orderKey, newUuid }: OrderSource): OrderMark | undefined {
  const { name, order } = input;
  if (order === undefined || order === false) return undefined;
  const problem = orderProblem(order) ?? (orderKey === undefined ? 'it cannot be put in order here: what comes back from the dead letters is published as it was' : contradiction(input));
  if (problem !== undefined || orderKey === undefined) throw new InvalidTaskError(`Task "${name}": ${problem}.`, { task: name });
  const text = keyOf(order.by, name, args.map(({ value }) => value));
  return text === undefined ? undefined : { key: orderKey(name, text), token: newUuid(), onFailure: order.onFailure ?? 'halt' };
}

export function orderHeaders(mark: OrderMark): TaskHeaders {
  return { ...onceHeaders(REMEMBERED_SECONDS), [Header.order]: encodeOrderMark(mark) };
}

function contradiction({ debounce, throttle, delaySeconds, eta }: Asked): string | undefined {
  if (debounce || throttle) return `it has order and ${debounce ? 'debounce' : 'throttle'}, of which each says when it runs. Give one of them`;
  return delaySeconds === undefined && eta === undefined ? undefined : `it has order and ${eta === undefined ? 'delaySeconds' : 'eta'}: it runs when those before it have ended. Publish it when it is time`;
}

function keyOf(by: Parameters<typeof keyOfArguments>[0], task: string, values: readonly unknown[]): string | undefined {
  try {
    return keyOfArguments(by, values, { task, option: 'order.by' });
  } catch (error) {
    throw new InvalidTaskError(`Task "${task}": order.by did not lead to a key: ${messageOf(error)}`, { task }, error);
  }
}

import type { TaskArgument } from './task.js';

const NATIVE: unique symbol = Symbol('native');

interface NativeArgument extends TaskArgument {
  [NATIVE]?: unknown;
}

/** The argument, in the JSON form that it has, with the value that it was made of: for a format that can say more than JSON. */
export function withNative(argument: TaskArgument, value: unknown): TaskArgument {
  const native: NativeArgument = { ...argument, [NATIVE]: value };
  return native;
}

/** What it was before it took its JSON form; where it took none, its value. */
export function nativeOf(argument: TaskArgument): unknown {
  return Object.hasOwn(argument, NATIVE) ? (argument as NativeArgument)[NATIVE] : argument.value;
}

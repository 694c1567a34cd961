import type { TaskArgument } from './task.js';

/** Beside the arguments, not in them: to whoever looks at one, or copies it, it is what it says. */
const natives = new WeakMap<TaskArgument, { readonly value: unknown }>();

/** The argument, in the JSON form that it has, with the value that it was made of: for a format that can say more than JSON. */
export function withNative(argument: TaskArgument, value: unknown): TaskArgument {
  natives.set(argument, { value });
  return argument;
}

/** What it was before it took its JSON form; where it took none, its value. */
export function nativeOf(argument: TaskArgument): unknown {
  const native = natives.get(argument);
  return native === undefined ? argument.value : native.value;
}

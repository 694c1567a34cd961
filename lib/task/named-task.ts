import { inferArguments } from './argument-form.js';
import { isSendOption } from './complete-task.js';
import type { SendOptions, TaskInput } from './task.js';

/** Arguments as values, whose types are inferred, and options beside them. @publicApi */
export interface TaskCall extends SendOptions {
  /** The handler's arguments, in order. */
  args: unknown[];
  /** As in {@link TaskInput}. */
  kwargs?: Record<string, unknown>;
  /** Default: a new UUID v4. */
  uuid?: string;
}

/** `publish('mail.send', { args: ['Ada'], delaySeconds: 5 })` as a task; `undefined` where the values are the arguments themselves. */
export function taskOfCall(name: string, values: readonly unknown[]): TaskInput | undefined {
  const [call] = values;
  if (values.length !== 1 || !isPlainObject(call) || !Array.isArray(call.args)) return undefined;
  if (!Object.keys(call).every((key) => key === 'args' || key === 'kwargs' || key === 'uuid' || isSendOption(key))) return undefined;
  const { args, ...options } = call;
  return { ...options, name, args: inferArguments(args) };
}

/** What to tell somebody who has put options behind the arguments, where they are one more argument. */
export function optionsDoubt(name: string, values: readonly unknown[]): string | undefined {
  const last = values[values.length - 1];
  if (!isPlainObject(last)) return undefined;
  const keys = Object.keys(last);
  if (keys.length === 0 || !keys.every(isSendOption)) return undefined;
  const written = `{ ${keys.map((key) => `${key}: ...`).join(', ')} }`;
  return `The last argument of publish('${name}', ...) looks like options, ${written}, and was sent as an argument. `
    + `Options stand beside args: publish('${name}', { args: [...], ${keys.map((key) => `${key}: ...`).join(', ')} }). `
    + "Where it is meant as an argument, say so: publish({ name, args: [{ type: 'json', value }] }).";
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

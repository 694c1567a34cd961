import { checkTaskOptions, type TaskMark, type TaskOptions } from '../dispatcher/config/task-options.js';
import { ConfigurationError } from '../errors.js';
import { checkTaskSchedule } from '../schedules/check-schedule.js';
import { display } from '../task/argument-types.js';
import { TASK_METADATA } from './task-marks.js';

/**
 * Makes a method of a provider or controller the handler of the task with this name. Several on one
 * method give it several names. An exception, or a promise that rejects, makes the attempt a failure.
 *
 * @throws ConfigurationError for an empty name or an option that cannot work
 * @publicApi
 */
export function Task(name: string, options: TaskOptions = {}): MethodDecorator {
  checkTaskName(name);
  const checked = checkTaskOptions(options, `@Task('${name}')`);
  if (options.schedule !== undefined) checkTaskSchedule(name, options.schedule, options.timeZone, options.version);
  return (target, key, descriptor) => {
    refuseStandardDecorator(name, key);
    if (typeof key === 'symbol') {
      throw new ConfigurationError(
        `@Task('${name}') is on the method ${String(key)}, whose name is a symbol; neither discovery nor client() finds it. Give the method a name.`, { task: name });
    }
    const method: unknown = descriptor?.value;
    if (typeof target === 'function' || typeof method !== 'function') {
      throw new ConfigurationError(
        `@Task('${name}') is on ${String(key)}, which is not a method of an instance. Put it on a plain method, not on a static one, a getter or a property.`,
        { task: name });
    }
    const marks = (Reflect.getMetadata(TASK_METADATA, method) ?? []) as TaskMark[];
    if (marks.some((mark) => mark.name === name && (mark.options.version ?? 1) === (checked.version ?? 1))) {
      throw new ConfigurationError(`${String(key)} has @Task('${name}') twice. Remove one.`, { task: name });
    }
    // Decorators run from the bottom up; the list has the order of the source.
    Reflect.defineMetadata(TASK_METADATA, [{ name, options: checked }, ...marks], method);
  };
}

/** The compiler, or another one, calls decorators the way of the ECMAScript proposal: with the method and a context. */
function refuseStandardDecorator(name: string, context: unknown): void {
  if (typeof context !== 'object' || context === null || !('kind' in context)) return;
  throw new ConfigurationError(
    `@Task('${name}') was called as an ECMAScript decorator; Nest needs the older kind. Set "experimentalDecorators" and "emitDecoratorMetadata" to true in tsconfig.json, or the same in your compiler (SWC: legacyDecorator, decoratorMetadata).`,
    { task: name });
}

function checkTaskName(name: unknown): void {
  if (typeof name === 'string' && name !== '') return;
  throw new ConfigurationError(`@Task needs the name of the task, such as @Task('task_1'); found ${display(name)}.`);
}

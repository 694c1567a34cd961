import { checkTaskPlace, type TaskMark, type TaskOptions, type TaskPlace } from '../dispatcher/config/task-options.js';
import { ConfigurationError } from '../errors.js';

/** On the method's function, so that subclasses inherit it until they override the method. */
export const TASK_METADATA = 'dispatcher:tasks';
/** On the class. */
const CLASS_METADATA = 'dispatcher:class';

/**
 * Where the tasks of a class go, for each `@Task` of it that does not say so itself: `@Tasks({ queue: 'mail' })`.
 *
 * @throws ConfigurationError for an option that cannot work
 * @publicApi
 */
export function Tasks(place: TaskPlace): ClassDecorator {
  const checked = checkTaskPlace(place, '@Tasks');
  return (target) => {
    if (typeof target !== 'function') throw new ConfigurationError('@Tasks stands on a class; on a method write @Task(name, { queue }).');
    Reflect.defineMetadata(CLASS_METADATA, checked, target);
  };
}

/** The task's own place before that of its class. A queue of its own has nothing to do with the routing key of the class. */
export function withPlaceOfClass(prototype: object, options: TaskOptions): TaskOptions {
  const place = Reflect.getMetadata(CLASS_METADATA, prototype.constructor) as TaskPlace | undefined;
  if (place === undefined || options.queue !== undefined) return options;
  return { ...options, queue: place.queue, routingKey: options.routingKey ?? place.routingKey };
}

/** Method names and the tasks of each, inherited ones included. */
export function taskMarksOf(prototype: object): Map<string, TaskMark[]> {
  const tasks = new Map<string, TaskMark[]>();
  const seen = new Set<string>();
  for (let level: object | null = prototype; level !== null && level !== Object.prototype; level = Object.getPrototypeOf(level) as object | null) {
    for (const key of Object.getOwnPropertyNames(level)) {
      if (seen.has(key)) continue;
      seen.add(key);
      const value: unknown = Object.getOwnPropertyDescriptor(level, key)?.value;
      const marks = typeof value === 'function' ? (Reflect.getMetadata(TASK_METADATA, value) ?? []) as TaskMark[] : [];
      if (marks.length > 0) tasks.set(key, marks.map(({ name, options }) => ({ name, options: withPlaceOfClass(prototype, options) })));
    }
  }
  return tasks;
}

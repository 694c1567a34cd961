import { ConfigurationError } from '../../errors.js';
import { display } from '../../task/argument-types.js';

/** The method that a middleware has as a class. */
export type MiddlewareMethod = 'run' | 'publish';

const EXAMPLES: Record<MiddlewareMethod, string> = { run: '(context, next) => next()', publish: '(task, next) => next()' };

/** True for the class of a provider; a plain function has no such method on its prototype. */
export function isMiddlewareClass(value: unknown, method: MiddlewareMethod): value is new (...dependencies: never[]) => object {
  return typeof value === 'function' && typeof (value.prototype as Record<string, unknown> | undefined)?.[method] === 'function';
}

/** @throws ConfigurationError unless it is a list of functions, instances and classes */
export function checkMiddlewares<T>(value: T[] | undefined, option: string, method: MiddlewareMethod): T[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) {
    throw new ConfigurationError(`${option} must be a list such as [${EXAMPLES[method]}]; found ${display(value)}.`, { option });
  }
  value.forEach((item: unknown, index) => {
    if (isMiddlewareClass(item, method)) return;
    // A class without the method would be called as a function, and throw at each task instead of at the start.
    if (typeof item === 'function' && !/^class\b/.test(Function.prototype.toString.call(item))) return;
    if (typeof item === 'object' && item !== null && typeof (item as Record<string, unknown>)[method] === 'function') return;
    const found = typeof item === 'function' ? `the class ${item.name}` : display(item);
    throw new ConfigurationError(
      `${option}[${index}] must be a function such as ${EXAMPLES[method]}, or have a method ${method}(...); found ${found}.`, { option });
  });
  return [...value];
}

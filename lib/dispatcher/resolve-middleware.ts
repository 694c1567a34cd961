import { ConfigurationError } from '../errors.js';
import { isMiddlewareClass, type MiddlewareMethod } from './config/check-middleware.js';

type Class = new (...dependencies: never[]) => object;
type Callable = (...parameters: never[]) => unknown;

/** The instance of a provider. */
export type FindProvider = (provider: Class) => object;

/** Every form in which a middleware can be given, as a function that has its name. @throws ConfigurationError */
export function resolveMiddlewares<F extends Callable>(
  inputs: readonly unknown[] | undefined, method: MiddlewareMethod, where: string, find: FindProvider,
): F[] {
  return (inputs ?? []).map((input) => {
    if (!isMiddlewareClass(input, method) && typeof input === 'function') return input as F;
    const instance = isMiddlewareClass(input, method) ? provided(input, where, find) : input as object;
    return bound(instance as Record<MiddlewareMethod, F>, method);
  });
}

function provided(provider: Class, where: string, find: FindProvider): object {
  try {
    return find(provider);
  } catch (error) {
    throw new ConfigurationError(
      `${where} names the class ${provider.name}, which cannot be had as one instance: ${(error as Error).message} `
      + 'List it among the providers of an imported module, without a scope, or give an instance.', { provider: provider.name }, error);
  }
}

function bound<F extends Callable>(instance: Record<MiddlewareMethod, F>, method: MiddlewareMethod): F {
  // Looked up at each call: a test may have put a spy on the instance.
  const call = ((...parameters: never[]) => instance[method](...parameters)) as F;
  return Object.defineProperty(call, 'name', { value: instance.constructor.name });
}

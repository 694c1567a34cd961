import { type DeclaredParameter, parametersOfSource } from '../../contract/describe/parameters.js';
import type { TaskOptions } from '../../dispatcher/config/task-options.js';
import { ArgumentPosition, ParameterKind, PARAMETERS_METADATA } from '../parameter.decorators.js';

/** Types that TypeScript leaves in the code (`emitDecoratorMetadata`), and that say what may be sent. */
const TYPES = new Map<unknown, NonNullable<DeclaredParameter['type']>>([[String, 'string'], [Boolean, 'boolean'], [Number, 'number'], [BigInt, 'bigint']]);

interface Mark { readonly index: number; readonly data?: unknown }

/** What the method of a handler says of the arguments of its task, by their positions. */
export function declaredArguments(prototype: object, methodName: string, { taskUuidAsFirstArg, batch }: Pick<TaskOptions, 'taskUuidAsFirstArg' | 'batch'>): DeclaredParameter[] {
  // Its parameters are the tasks of a call, and what they have in common.
  if (batch !== undefined) return [];
  const method: unknown = (prototype as Record<string, unknown>)[methodName];
  if (typeof method !== 'function') return [];
  const types = Reflect.getMetadata('design:paramtypes', prototype, methodName) as readonly unknown[] | undefined;
  const sources = parametersOfSource(Function.prototype.toString.call(method));
  const marks = Object.entries((Reflect.getMetadata(PARAMETERS_METADATA, prototype.constructor, methodName) ?? {}) as Record<string, Mark>);
  const parameterAt = (index: number): DeclaredParameter => {
    const type = TYPES.get(types?.[index]);
    return { ...sources[index], ...type === undefined ? {} : { type } };
  };
  const count = Math.max(sources.length, types?.length ?? 0);
  const all = byPosition(marks, count).map((index) => (index === undefined ? {} : parameterAt(index)));
  // The uuid is nothing that a caller sends.
  return taskUuidAsFirstArg === true ? all.slice(1) : all;
}

/** Which parameter gets the argument of each position. */
function byPosition(marks: readonly (readonly [key: string, mark: Mark])[], count: number): (number | undefined)[] {
  const explicit = marks.flatMap(([, { index, data }]) => (data instanceof ArgumentPosition ? [[data.position, index] as const] : []));
  if (marks.some(([key]) => key.startsWith(`${ParameterKind.allArguments}:`)) || explicit.length > 0) {
    const found = new Map(explicit);
    return Array.from({ length: Math.max(0, ...explicit.map(([position]) => position + 1)) }, (_, position) => found.get(position));
  }
  const taken = new Set(marks.map(([, { index }]) => index));
  return Array.from({ length: count }, (_, index) => index).filter((index) => !taken.has(index));
}

import { ConfigurationError } from '../../errors.js';
import type { TaskContext } from '../../worker/task-context.js';
import { describeTask, type DiscoveredTask } from '../discovery/discovered-task.js';
import { ArgumentPosition, ParameterKind, PARAMETERS_METADATA } from '../parameter.decorators.js';

/** One decorated parameter, as Nest keeps it. */
export interface ParameterMark {
  readonly index: number;
  /** One of {@link ParameterKind}, or `undefined` for a user's `createParamDecorator`. */
  readonly kind: number | undefined;
  readonly data: unknown;
  readonly pipes: readonly unknown[];
}

/** Nest's mark of a decorator made with `createParamDecorator`. */
const CUSTOM = '__customRouteArgs__';
const KINDS: ReadonlySet<number> = new Set(Object.values(ParameterKind));

/** @throws ConfigurationError where a decorator belongs to HTTP, such as `@Body()` */
export function parametersOf(task: DiscoveredTask): ParameterMark[] {
  const { prototype, methodName } = task;
  const metadata = Reflect.getMetadata(PARAMETERS_METADATA, prototype.constructor, methodName) as Record<string, Omit<ParameterMark, 'kind'>> | undefined;
  const marks = Object.entries(metadata ?? {}).map(([key, { index, data, pipes }]) => (
    { index, data, pipes: pipes ?? [], kind: key.includes(CUSTOM) ? undefined : Number(key.split(':')[0]) }));
  for (const { kind, data, index } of marks) {
    if (kind === undefined || (KINDS.has(kind) && (kind !== ParameterKind.argument || data instanceof ArgumentPosition))) continue;
    throw new ConfigurationError(
      `Parameter ${index + 1} of ${describeTask(task)} has a decorator that reads HTTP requests, but @Task('${task.name}') runs without one. `
      + 'Use @Arg(n), @Args(), @TaskContext() or @TaskUuid(), or a method of its own for the task.', { task: task.name, parameter: index });
  }
  return marks;
}

/** True where the parameter is one of the task's arguments, on which pipes run. */
export function isPiped({ kind }: ParameterMark): boolean {
  return kind !== ParameterKind.context && kind !== ParameterKind.uuid;
}

/** What one of our own decorators gives its parameter. */
export function valueFor(kind: number, data: unknown, args: readonly unknown[], context: TaskContext): unknown {
  switch (kind) {
    case ParameterKind.argument: return args[(data as ArgumentPosition).position];
    case ParameterKind.allArguments: return args;
    case ParameterKind.uuid: return context.uuid;
    default: return context;
  }
}

/**
 * Gives the undecorated parameters the task's arguments in order. `values` has the decorated ones
 * in place already. With an `@Arg` or `@Args` among them the handler has said itself what goes where.
 */
export class UndecoratedParameters {
  private readonly taken: ReadonlySet<number>;
  private readonly explicit: boolean;

  constructor(marks: readonly ParameterMark[]) {
    this.taken = new Set(marks.map(({ index }) => index));
    this.explicit = marks.some(({ kind }) => kind === ParameterKind.argument || kind === ParameterKind.allArguments);
  }

  fill(values: unknown[], args: readonly unknown[]): void {
    if (this.explicit) return;
    let index = 0;
    for (const arg of args) {
      while (this.taken.has(index)) index++;
      values[index++] = arg;
    }
  }
}

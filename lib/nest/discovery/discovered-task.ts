import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper';
import type { Module } from '@nestjs/core/injector/module';
import type { TaskOptions } from '../../dispatcher/config/task-options.js';

/** A decorated method and where it lives in Nest's container. */
export interface DiscoveredTask {
  readonly name: string;
  readonly options: TaskOptions;
  /** The provider or controller that has the method. */
  readonly wrapper: InstanceWrapper;
  readonly host: Module;
  readonly prototype: object;
  readonly methodName: string;
  /** `MathTasks.add`, for people. */
  readonly origin: string;
}

/** `MathTasks.add (module MathModule)`. */
export function describeTask({ origin, host }: DiscoveredTask): string {
  return `${origin} (module ${host.name})`;
}

/** Unbound, as the class has it: the function that carries the decorators' metadata. */
export function methodOf({ prototype, methodName }: DiscoveredTask): (...args: unknown[]) => unknown {
  return (prototype as Record<string, unknown>)[methodName] as (...args: unknown[]) => unknown;
}

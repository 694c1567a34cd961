import type { TaskArgument } from './task.js';

/**
 * Makes the uuids of tasks that are published without one. One of your own stands in `idMakers` of the configuration and
 * is chosen there by its name (`ids`), or for a single task by `ids` of its `@Task`.
 *
 * @publicApi
 */
export interface IdMaker {
  /** How `ids` calls it. */
  readonly name: string;
  /**
   * A text of at most 255 bytes that is not empty. It is the identity of the task in every process on the exchange: two
   * tasks of one uuid are one task to results, cancelling and inspection. What it throws, `publish` rejects with.
   */
  make(task: IdentifiedTask): string;
}

/** What an {@link IdMaker} is told of a task. @publicApi */
export interface IdentifiedTask {
  readonly name: string;
  readonly args: readonly TaskArgument[];
}

/** @publicApi */
export type BuiltInIdMaker = 'uuid-v4' | 'uuid-v7' | 'sequence' | 'arguments';

/** @publicApi */
export type IdMakerName = BuiltInIdMaker | (string & Record<never, never>);

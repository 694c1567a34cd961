import { keyOfArguments } from '../../task/argument-path.js';
import { type BatchOptions, DEFAULT_WAIT_MS } from './batch-options.js';
import type { BatchContext, BatchedTask } from './batched-task.js';

/**
 * Runs around the call of a batch handler, for whoever traces it: calls `next` once, and gives back what it gives.
 *
 * @publicApi
 */
export type BatchMiddleware = (batch: BatchContext, tasks: readonly BatchedTask[], next: () => unknown) => unknown;

/** What a worker calls for many tasks at once. `nest/` makes these from decorated methods. */
export class BatchCall {
  readonly size: number;
  readonly waitMs: number;
  private around: readonly BatchMiddleware[] = [];

  constructor(readonly name: string, readonly options: BatchOptions, private readonly handle: (tasks: readonly BatchedTask[], batch: BatchContext) => unknown) {
    this.size = options.size;
    this.waitMs = options.waitMs ?? DEFAULT_WAIT_MS;
  }

  /** In the place of what was around it before. The first is the outermost. */
  surround(around: readonly BatchMiddleware[]): void {
    this.around = around;
  }

  /** @throws InvalidArgumentsError, or what the function of a user throws */
  keyOf(args: readonly unknown[]): string | undefined {
    const { by } = this.options;
    return by === undefined ? undefined : keyOfArguments(by, args, { task: this.name, option: 'batch.by' });
  }

  call(tasks: readonly BatchedTask[], batch: BatchContext): unknown {
    return this.around.reduceRight<() => unknown>((next, around) => () => around(batch, tasks, next), () => this.handle(tasks, batch))();
  }
}

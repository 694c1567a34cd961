import { ConfigurationError } from '../../errors.js';
import { argumentKeyProblem } from '../../task/argument-key.js';
import { display } from '../../task/argument-types.js';
import { wholeWithin } from '../../task/option-kinds.js';
import { type BatchOptions, LARGEST_BATCH, LONGEST_WAIT_MS } from '../../worker/batches/batch-options.js';
import { refuseUnknown, requireObject } from './config-checks.js';

const OPTIONS: readonly (keyof BatchOptions)[] = ['size', 'waitMs', 'by'];
const SIZE = wholeWithin(1, LARGEST_BATCH);
const WAIT = wholeWithin(0, LONGEST_WAIT_MS);

/** @throws ConfigurationError for a batch that cannot work */
export function checkBatch(batch: BatchOptions | undefined, where: string): BatchOptions | undefined {
  if (batch === undefined) return undefined;
  const of = `batch of ${where}`;
  requireObject(batch, of, '{ size: 500, waitMs: 50 }');
  refuseUnknown(batch, OPTIONS, of);
  const { size, waitMs, by }: BatchOptions = batch;
  if (!SIZE.fits(size)) throw new ConfigurationError(`size of ${of} must be ${SIZE.expected}: how many tasks one call gets at most; found ${display(size)}.`, { option: 'batch' });
  if (waitMs !== undefined && !WAIT.fits(waitMs)) throw new ConfigurationError(`waitMs of ${of} must be ${WAIT.expected}, in milliseconds; found ${display(waitMs)}.`, { option: 'batch' });
  const problem = by === undefined ? undefined : argumentKeyProblem(by);
  if (problem !== undefined) throw new ConfigurationError(`by of ${of} ${problem}.`, { option: 'batch' });
  return batch;
}

/** What one call for many tasks cannot be, and what to write instead. */
const NOT_TOGETHER: Readonly<Record<string, string>> = {
  taskUuidAsFirstArg: 'each task of a batch has its uuid: read task.uuid',
  inbox: 'a transaction is of one task, and a batch handler works for many in one call: make it idempotent by task.uuid instead',
  thread: 'a batch handler runs in the main thread: start a task with thread: true for what keeps the processor busy',
};

/** @throws ConfigurationError where options contradict each other */
export function checkBesideBatch(options: object, where: string): void {
  const { batch, ...others } = options as { readonly batch?: unknown } & Readonly<Record<string, unknown>>;
  if (batch === undefined) return;
  const wrong = Object.keys(NOT_TOGETHER).find((name) => others[name] === true);
  if (wrong !== undefined) throw new ConfigurationError(`${where} has batch and ${wrong}: ${NOT_TOGETHER[wrong]}. Remove one of the two.`, { option: wrong });
}

import { TaskFailedError } from '../../errors.js';
import type { TaskErrorRecord } from '../../results/task-error-record.js';
import type { TaskResult } from '../../results/task-result.js';

/**
 * What the handler returned.
 *
 * @throws TaskFailedError when the task has ended otherwise, or its value could not be kept
 */
export function resultOf(result: TaskResult): unknown {
  const { outcome, uuid, name, state, attempt } = result;
  if (outcome?.kind === 'value') return outcome.value;
  const fields = { uuid, task: name, state, attempt };
  if (outcome?.kind === 'unstorable') {
    throw new TaskFailedError(`Task "${name}" (${uuid}) succeeded, but what it returned could not be kept: ${outcome.problem}`, fields);
  }
  const error = outcome?.error ?? { name: 'Error', message: `it ended as "${state}"` };
  throw new TaskFailedError(`Task "${name}" (${uuid}) ended as "${state}" at attempt ${attempt}: ${error.name}: ${error.message}`, fields, rebuilt(error));
}

/** The error as it was where it was thrown, in as far as it was recorded. */
function rebuilt(record: TaskErrorRecord): Error {
  const options = record.cause === undefined ? undefined : { cause: rebuilt(record.cause) };
  const error = Array.isArray(record.errors) ? new AggregateError(record.errors.map(rebuilt), record.message, options) : new Error(record.message, options);
  error.name = record.name;
  error.stack = record.stack ?? `${record.name}: ${record.message}`;
  return record.code === undefined ? error : Object.assign(error, { code: record.code });
}

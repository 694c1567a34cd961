import { TaskCancelledError } from '../errors.js';

/** What became of a cancelled task, as its record and its running handler are told. */
export function cancelledError({ uuid, name }: { uuid: string; name: string }, reason: string): TaskCancelledError {
  return new TaskCancelledError(`Task "${name}" (${uuid}) was cancelled: ${reason}`, { task: name, uuid });
}

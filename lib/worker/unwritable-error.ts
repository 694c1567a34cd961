import { InvalidTaskError } from '../errors.js';
import { errorText } from '../task/error-text.js';

/**
 * Why a task is a dead letter that was to wait in its queue again: with what had to be added there was no room for its own
 * headers. @param failure what its last attempt had failed with
 */
export function unwritableError({ uuid, name }: { uuid: string; name: string }, problem: unknown, failure?: unknown): InvalidTaskError {
  const why = failure === undefined ? '' : ` Its last attempt had failed: ${errorText(failure)}`;
  return new InvalidTaskError(`Task "${name}" (${uuid}) cannot be written again as it is, so it cannot wait in its queue again: ${errorText(problem)}${why}`,
    { task: name, uuid }, failure ?? problem);
}

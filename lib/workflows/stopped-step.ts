import { InvalidBodyError } from '../errors.js';
import { decodeValue, encodeValue } from '../results/result-value.js';
import type { TaskErrorRecord } from '../results/task-error-record.js';
import type { TaskArgument, TaskHeaders } from '../task/task.js';
import type { StepPath } from './paths.js';

/** A place where a workflow has stopped, and how it goes on from there. */
export type Stopped =
  /** Its task is a dead letter of this queue. */
  | { readonly how: 'dead'; readonly path: StepPath; readonly uuid: string; readonly queue: string; readonly error: TaskErrorRecord }
  /** Its task was called off, or has expired: here it is. */
  | {
    readonly how: 'parked'; readonly path: StepPath; readonly queue: string; readonly error: TaskErrorRecord;
    readonly name: string; readonly args: readonly TaskArgument[]; readonly headers: TaskHeaders;
  }
  /** Its tasks could not be published; with what it was to begin. */
  | { readonly how: 'unsent'; readonly path: StepPath; readonly error: TaskErrorRecord; readonly input?: { readonly value: unknown } };

export function encodeStopped(stopped: Stopped): Buffer {
  const encoded = encodeValue(stopped);
  if ('problem' in encoded) throw new TypeError(encoded.problem);
  return Buffer.from(encoded.text);
}

/** @throws InvalidBodyError */
export function decodeStopped(bytes: Buffer): Stopped {
  try {
    const stopped = decodeValue(bytes.toString()) as Stopped;
    if (['dead', 'parked', 'unsent'].includes(stopped.how)) return stopped;
  } catch (error) {
    throw new InvalidBodyError('What is stored of a stopped step cannot be read. Was its key written by another program?', {}, error);
  }
  throw new InvalidBodyError('What is stored of a stopped step is of no known kind. Was it written by a newer version?');
}

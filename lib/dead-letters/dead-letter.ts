import type { DeadReason } from '../events/dispatcher-event.js';
import type { TaskArgument, TaskHeaders } from '../task/task.js';
import type { FailedAttempt } from '../worker/attempt-history.js';

/**
 * Why a dead letter is one: a reason of ours; `delivery-limit` when RabbitMQ moved it itself because it
 * came back too often; `unknown` for a message that says nothing (somebody else put it there).
 *
 * @publicApi
 */
export type DeadLetterReason = DeadReason | 'delivery-limit' | 'unknown';

/** By all of its names, so that the compiler misses a new one here. */
const ALL_REASONS: Readonly<Record<DeadLetterReason, true>> = {
  failed: true, 'timed-out': true, 'invalid-body': true, unauthenticated: true, 'no-key': true, 'claim-missing': true, 'invalid-arguments': true, unsupported: true, 'unknown-task': true, 'unsupported-version': true, 'crash-loop': true, 'too-large': true, undelivered: true,
  'delivery-limit': true, unknown: true,
};

export const REASONS = Object.keys(ALL_REASONS) as readonly DeadLetterReason[];

/** A dead letter, read. What could not be read is absent; the body is always there. @publicApi */
export interface DeadLetter {
  /** By this it is named in `get`, `replay` and `discard`: its uuid, or where it has none `body:` and a digest. */
  readonly id: string;
  readonly uuid?: string;
  /** Of the task. */
  readonly name?: string;
  /** The arguments, checked and converted as for a handler. Absent where they cannot be: see `problem` and `body`. */
  readonly args?: TaskArgument[];
  /** As it arrived. */
  readonly body: Buffer;
  /** Why the body cannot be read as a task, if so. */
  readonly problem?: string;
  /** The sender's own headers; ours and the broker's left out. */
  readonly headers: TaskHeaders;
  readonly reason: DeadLetterReason;
  /** Name and message of the last error, and of what was behind it: `Error: outer (caused by TypeError: inner)`. */
  readonly error?: string;
  /** Of an error of the handler's, and of its causes. */
  readonly stack?: string;
  /** Where its arguments were refused by a pipe of its handler: all that is wrong with them, as `path: what`. */
  readonly issues?: readonly string[];
  /** Which attempt was the last, from 1. */
  readonly attempt: number;
  /** The failed attempts: the first and the last 19. */
  readonly history: readonly FailedAttempt[];
  /** How often it was replayed before. */
  readonly replays: number;
  /** When it died. */
  readonly at?: Date;
  /** The work queue that it died in. */
  readonly queue: string;
  readonly worker?: string;
  /** Where it was first published; an empty exchange means straight to the queue. */
  readonly exchange: string;
  readonly routingKey: string;
  /** In its queue, from 0, the oldest first, at the time of looking. */
  readonly position: number;
}

/** Which dead letters are meant: all conditions must hold. @publicApi */
export interface DeadLetterConditions {
  /** Name of the task. */
  readonly name?: string;
  readonly reason?: DeadLetterReason;
  /** A part of the error's text. */
  readonly error?: string;
  /** Died before this; what has no time does not. */
  readonly diedBefore?: Date;
  /** Died at this time or later; what has no time does not. */
  readonly diedSince?: Date;
}

/** Conditions, or a function of the dead letter. @publicApi */
export type DeadLetterFilter = DeadLetterConditions | ((letter: DeadLetter) => boolean);

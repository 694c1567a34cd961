import type { Message, MessageProperties } from '../brokers/broker.js';
import type { Task, TaskHeaders } from '../task/task.js';

/**
 * How a task becomes bytes and back. A format is pure: no clock, no randomness, no I/O. Those of your own stand in `formats`
 * of the configuration; `formatContract` of `nestjs-dispatcher/contract-suites` holds them to what is written here.
 *
 * @publicApi
 */
export interface Format {
  /** How configuration, errors and headers call it. */
  readonly name: string;
  readonly contentType: string;
  /**
   * The task must have passed `completeTask`. A task that {@link decode} has made, of a message in this format, becomes a
   * message with the same meaning again, whatever else that said (`task.arrived.envelope`).
   *
   * @throws InvalidTaskError for what this format cannot say
   */
  encode(task: Task): EncodedTask;
  /**
   * @throws InvalidBodyError when the bytes are not a task in this format
   * @throws InvalidTaskError when they are, but an argument is not what its type says
   */
  decode(message: ArrivedMessage): Task;
  /**
   * Who a message says it is, where it says that although {@link decode} refuses it. Never throws.
   * Default: nothing is known of such a message.
   */
  identify?(message: ArrivedMessage): { uuid?: string; name?: string };
  /**
   * Whether a message is certainly in this format, by its content type, headers and shape. Asked of what may be in another
   * format too, so it only looks at what tells them apart. Never throws.
   * Default: that cannot be seen; a message is in this format where the configuration says so, or the header `x-dispatcher-format`.
   *
   * @param content the body's JSON, parsed once for all formats; `undefined` where it is none
   */
  recognises?(message: ArrivedMessage, content: () => unknown): boolean;
  /** It has no other place for a task's name than the routing key. Default: false. */
  readonly namesByRoutingKey?: boolean;
  /** It has arguments by name (`kwargs`). Default: false; a task with such is refused. */
  readonly hasKwargs?: boolean;
  /**
   * What of a message changes when its next attempt is sent, by which workers of another system count. Default: nothing.
   *
   * @returns the new body, if it changes, and headers that change
   */
  nextAttempt?(message: ArrivedMessage, next: NextAttempt): { body?: Buffer; headers?: TaskHeaders };
  /**
   * The tasks that are to be sent once this one has ended so, in this format. Called again where sending failed: the same
   * question has the same answer. Default: none.
   */
  followUps?(task: Task, end: FollowedEnd, surroundings: FollowUpSurroundings): FollowUp[];
  /**
   * Tasks that workers of its own system carry on, as the messages to be sent: the first of a chain, or all members of a
   * group or chord. Default: it has no such.
   *
   * @throws InvalidTaskError for what this format cannot say
   */
  compose?(plan: ComposedPlan): ComposedMessage[];
}

/** A message, and where it was published, as far as that is known. @publicApi */
export interface ArrivedMessage extends Message {
  readonly exchange?: string;
  readonly routingKey?: string;
}

/** @publicApi */
export interface EncodedTask {
  body: Buffer;
  properties: MessageProperties;
}

/** @publicApi */
export interface ComposedTask {
  /** As for `encode`. */
  readonly task: Task;
  readonly routingKey: string;
  /** To which the routing key leads, as far as that is known. */
  readonly queue: string;
  /** Where its result is to be sent. Default: nowhere. */
  readonly replyTo?: string | undefined;
}

/** @publicApi */
export interface ComposedPlan {
  readonly kind: 'chain' | 'group' | 'chord';
  readonly tasks: readonly ComposedTask[];
  /** Of a chord. */
  readonly callback?: ComposedTask | undefined;
  /** A name for the group that the tasks are. */
  readonly group: string;
}

/** @publicApi */
export interface ComposedMessage {
  readonly message: EncodedTask;
  readonly routingKey: string;
}

/** @publicApi */
export interface NextAttempt {
  /** False where the handler has asked to be run again uncharged. */
  readonly isCharged: boolean;
  /** When it may run, in milliseconds since 1970. */
  readonly dueAt: number;
}

/** @publicApi */
export type FollowedEnd = { readonly kind: 'succeeded'; readonly value: unknown } | { readonly kind: 'failed'; readonly error: string };

/** @publicApi */
export interface FollowUpSurroundings {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** A uuid for a task that has none: the same one for the same place each time. */
  readonly uuidFor: (place: string) => string;
}

/** A task to be sent. @publicApi */
export interface FollowUp {
  readonly name: string;
  readonly message: EncodedTask;
  /** By this routing key, or straight into this queue. Where nothing takes the key, and `isOwnPlace`, into the queue of the task that has ended. Default: that queue. */
  readonly to?: { readonly routingKey: string; readonly isOwnPlace?: boolean } | { readonly queue: string };
  /** It is not to run before, in milliseconds since 1970. Default: at once. */
  readonly notBefore?: number | undefined;
  /** Why it must not be sent as it is: it becomes a dead letter, with this reason. */
  readonly problem?: string | undefined;
}

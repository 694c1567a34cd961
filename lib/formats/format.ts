import type { Message, MessageProperties } from '../brokers/broker.js';
import type { Task } from '../task/task.js';

/**
 * How a task becomes bytes and back. A format is pure: no clock, no randomness, no I/O.
 *
 * @publicApi
 */
export interface Format {
  /** How configuration and errors call it. */
  readonly name: string;
  readonly contentType: string;
  /** The task must have passed `completeTask`. */
  encode(task: Task): EncodedTask;
  /**
   * @throws InvalidBodyError when the bytes are not a task in this format
   * @throws InvalidTaskError when they are, but an argument is not what its type says
   */
  decode(message: Message): Task;
  /**
   * Who a message says it is, where it says that although {@link decode} refuses it. Never throws.
   * Default: nothing is known of such a message.
   */
  identify?(message: Message): { uuid?: string; name?: string };
}

/** @publicApi */
export interface EncodedTask {
  body: Buffer;
  properties: MessageProperties;
}

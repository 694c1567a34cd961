import type { Message, MessageProperties } from '../broker.js';

/** A message that this process holds until it is settled. */
export interface TakenMessage extends Message {
  readonly exchange: string;
  readonly routingKey: string;
  /** It was in the hands of a consumer before. */
  readonly redelivered: boolean;
  /** How often a process died that held it. */
  readonly deliveryCount: number;
  /** Its place among all that waits, whatever the queue, where the store knows one. */
  readonly order?: number | undefined;
}

/** How a taken message leaves the hands of its consumer. */
export type Settlement =
  /** Done: gone for good. */
  | 'ack'
  /** Back to its old place, and marked: it may have been worked on. */
  | 'requeue'
  /** Back to its old place as if it had never been taken: no consumer saw it. */
  | 'untake';

/**
 * A place with queues as consumers, browsers and purges need it: in memory, in a folder, in Redis. Who in this process gets
 * which message is the business of `QueueDispatch`.
 */
export interface QueueStore {
  /** This many consumers of this process wait for the queue's messages from now on. */
  interest(queue: string, consumers: number): void;
  /**
   * Takes up to `limit` messages, oldest first, and calls `into` once: inside this call or later.
   * `into` gets fewer, or none, when there are no more for us now. `more`: asking again at once is
   * worthwhile; otherwise the store says when it is, by what it was given to say so.
   */
  take(queue: string, limit: number, into: (taken: readonly TakenMessage[], more: boolean) => void): void;
  /** False when the message is not ours any more. */
  settle(taken: TakenMessage, how: Settlement): boolean;
  /** Resolves when everything published and settled so far has been written, or was refused. */
  written(): Promise<void>;
  depth(queue: string): Promise<number | undefined>;
  /** Of the next to be taken; it stays where it is. */
  first(queue: string): Promise<MessageProperties | undefined>;
  /** False while somebody holds the lock of this name, in this process or another; the death of a holder frees it. */
  lock(name: string): Promise<boolean>;
  unlock(name: string): Promise<void>;
}

import type { DispatcherError } from '../../errors.js';
import type { Address, Message, Topology } from '../broker.js';
import type { BroadcastStore } from './broadcast-ring.js';
import type { Teller } from './undeliverable.js';

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

/** What a store tells those who use it, and asks of them. Never called from inside a call of theirs. */
export interface StoreListener {
  /** Messages may wait in this queue. */
  readonly ready: (queue: string) => void;
  /** Writing fails, for this reason; `undefined` when it works again. */
  readonly trouble: (error: DispatcherError | undefined) => void;
  /** Something unusual that was dealt with. */
  readonly warning: (message: string) => void;
  /** Who is to be told before an undeliverable message of this exchange is put aside. May be called at any time. */
  readonly tellerOf: (exchange: string) => Teller;
}

/**
 * Where the messages are: in memory or in a folder. It keeps order, delays and what is taken; who
 * gets which message is the business of {@link QueueDispatch}.
 */
export interface MessageStore {
  readonly broadcasts: BroadcastStore;
  /** @throws ConfigurationError, BrokerUnavailableError */
  open(listener: StoreListener): Promise<void>;
  /** @throws TopologyMismatchError */
  declare(exchange: string, topology: Topology): Promise<void>;
  /** @throws UnroutableTaskError, PublishBufferFullError, PublishTimeoutError, BrokerUnavailableError */
  publish(exchange: string, message: Message, address: Address, delayMs: number): Promise<void>;
  hasQueue(queue: string): boolean;
  /** Those whose messages come into this queue by a key. */
  exchangesOf(queue: string): readonly string[];
  /** This many consumers of this process wait for the queue's messages from now on. */
  interest(queue: string, consumers: number): void;
  /**
   * Takes up to `limit` messages, oldest first, and calls `into` once: inside this call or later.
   * `into` gets fewer, or none, when there are no more for us now. `more`: asking again at once is
   * worthwhile; otherwise {@link StoreListener.ready} says when it is.
   */
  take(queue: string, limit: number, into: (taken: readonly TakenMessage[], more: boolean) => void): void;
  /** False when the message is not ours any more. */
  settle(taken: TakenMessage, how: Settlement): boolean;
  /** Resolves when everything published and settled so far has been written, or was refused. */
  written(): Promise<void>;
  depth(queue: string): Promise<number | undefined>;
  /** How many messages are not due yet, for whatever queue. */
  delayedCount(): Promise<number>;
  /** When they are due: of all, or of the earliest `most`. */
  dueTimes(most: number): Promise<readonly number[]>;
  /** Raises the counter of this name, for all who share the store. */
  signal(name: string): Promise<void>;
  /** `undefined` while it cannot be read. */
  signalCount(name: string): number | undefined;
  /** Removes what waits now, not what comes meanwhile. Resolves to how many there were; the queue must exist. */
  purge(queue: string): Promise<number>;
  /** False while somebody holds the lock of this name, in this process or another; the death of a holder frees it. */
  lock(name: string): Promise<boolean>;
  unlock(name: string): Promise<void>;
  /** Lets go of timers and files; what is still taken goes back to its queue. */
  close(): Promise<void>;
}

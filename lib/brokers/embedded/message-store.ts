import type { DispatcherError } from '../../errors.js';
import type { Address, Message, Topology } from '../broker.js';
import type { QueueStore } from '../store/queue-store.js';
import type { BroadcastStore } from './broadcast-ring.js';
import type { Teller } from '../store/undeliverable.js';

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
 * gets which message is the business of `QueueDispatch`.
 */
export interface MessageStore extends QueueStore {
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
  /** Lets go of timers and files; what is still taken goes back to its queue. */
  close(): Promise<void>;
}

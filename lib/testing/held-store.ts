import type { Address, Message, MessageProperties, Topology } from '../brokers/broker.js';
import type { BroadcastStore } from '../brokers/embedded/broadcast-ring.js';
import type { MessageStore, StoreListener } from '../brokers/embedded/message-store.js';
import type { Settlement, TakenMessage } from '../brokers/store/queue-store.js';

/** A message that waits to be run. */
export interface KeptMessage extends Message {
  readonly queue: string;
  readonly order: number;
}

/** The last so many can be asked for once more. */
const MOST_GONE = 10_000;

interface Handed {
  readonly queue: string;
}

/** What is asked before a message that was worked off is removed. True: its worker believes so, and it comes again all the same. */
export type ComesAgain = (message: TakenMessage) => boolean;

/**
 * Between the messages in memory and the workers: hands out all, or only what is released, or while the broker is down
 * nothing; and brings back what a worker has in its hands, or believes to have done with, as a broker does at a lost connection.
 */
export class HeldStore implements MessageStore {
  /** How often something was put in, handed out or settled: where it stays the same, nothing happens here. */
  changes = 0;
  isDown = false;
  comesAgain: ComesAgain = () => false;
  private listener: StoreListener | undefined;
  private readonly consumed = new Map<string, number>();
  private readonly released = new Map<string, Set<string>>();
  private readonly handed = new Map<TakenMessage, Handed>();
  /** Of those that were settled for good last; for whoever wants one of them once more. */
  private readonly gone = new Map<string, Handed & { readonly message: TakenMessage }>();
  private isLooking = false;

  constructor(private readonly inner: MessageStore, private readonly isOpen: () => boolean) {}

  get broadcasts(): BroadcastStore {
    return this.inner.broadcasts;
  }

  open(listener: StoreListener): Promise<void> {
    this.listener = listener;
    return this.inner.open(listener);
  }

  declare(exchange: string, topology: Topology): Promise<void> {
    return this.inner.declare(exchange, topology);
  }

  publish(exchange: string, message: Message, address: Address, delayMs: number): Promise<void> {
    this.changes++;
    return this.inner.publish(exchange, message, address, delayMs);
  }

  hasQueue(queue: string): boolean {
    return this.inner.hasQueue(queue);
  }

  exchangesOf(queue: string): readonly string[] {
    return this.inner.exchangesOf(queue);
  }

  interest(queue: string, consumers: number): void {
    if (consumers > 0) this.consumed.set(queue, consumers);
    else this.consumed.delete(queue);
    this.inner.interest(queue, consumers);
  }

  take(queue: string, limit: number, into: (taken: readonly TakenMessage[], more: boolean) => void): void {
    if (this.isDown || this.isLooking) return into([], false);
    if (this.isOpen()) return this.inner.take(queue, limit, (taken, more) => into(this.hand(queue, taken), more));
    const wanted = this.released.get(queue);
    if (wanted === undefined) return into([], false);
    this.released.delete(queue);
    into(this.hand(queue, this.only(queue, wanted)), false);
  }

  settle(taken: TakenMessage, how: Settlement): boolean {
    const handed = this.handed.get(taken);
    this.changes++;
    if (handed === undefined) return this.inner.settle(taken, how);
    this.handed.delete(taken);
    if (how !== 'ack') return this.inner.settle(taken, how);
    if (this.comesAgain(taken)) return this.inner.settle(taken, 'requeue');
    this.remember(handed.queue, taken);
    return this.inner.settle(taken, how);
  }

  written(): Promise<void> {
    return this.inner.written();
  }

  depth(queue: string): Promise<number | undefined> {
    return this.inner.depth(queue);
  }

  first(queue: string): Promise<MessageProperties | undefined> {
    return this.inner.first(queue);
  }

  delayedCount(): Promise<number> {
    return this.inner.delayedCount();
  }

  dueTimes(most: number): Promise<readonly number[]> {
    return this.inner.dueTimes(most);
  }

  signal(name: string): Promise<void> {
    return this.inner.signal(name);
  }

  signalCount(name: string): number | undefined {
    return this.inner.signalCount(name);
  }

  purge(queue: string): Promise<number> {
    return this.inner.purge(queue);
  }

  lock(name: string): Promise<boolean> {
    return this.inner.lock(name);
  }

  unlock(name: string): Promise<void> {
    return this.inner.unlock(name);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  /** What waits in queues that somebody consumes, in the order in which it came. */
  kept(): KeptMessage[] {
    return [...this.consumed.keys()].flatMap((queue) => this.all(queue).map((message) => ({ ...visible(message), queue, order: message.order ?? 0 })))
      .sort((a, b) => a.order - b.order);
  }

  /** How many are in the hands of workers. */
  get handedOut(): number {
    return this.handed.size;
  }

  /** Lets workers have these, by their message ids. */
  release(queue: string, messageIds: Iterable<string>): void {
    const wanted = this.released.get(queue) ?? new Set<string>();
    for (const id of messageIds) wanted.add(id);
    this.released.set(queue, wanted);
    this.listener?.ready(queue);
  }

  /** Whatever workers have in their hands goes back, as after a lost connection: what they still say of it is too late. */
  takeBack(isIt: (message: TakenMessage) => boolean = () => true): number {
    let count = 0;
    for (const message of this.handed.keys()) {
      if (!isIt(message)) continue;
      this.handed.delete(message);
      this.changes++;
      this.inner.settle(message, 'requeue');
      count++;
    }
    return count;
  }

  /** A message that was settled for good, to be sent once more. */
  lastOf(messageId: string): { readonly queue: string; readonly message: Message } | undefined {
    const gone = this.gone.get(messageId);
    return gone === undefined ? undefined : { queue: gone.queue, message: visible(gone.message) };
  }

  /** As if it had been in somebody's hands before. */
  markRedelivered(queue: string, messageId: string): void {
    for (const message of this.only(queue, new Set([messageId]))) this.inner.settle(message, 'requeue');
  }

  wakeAll(): void {
    for (const queue of this.consumed.keys()) this.listener?.ready(queue);
  }

  private hand(queue: string, taken: readonly TakenMessage[]): readonly TakenMessage[] {
    if (taken.length > 0) this.changes++;
    for (const message of taken) this.handed.set(message, { queue });
    return taken;
  }

  private only(queue: string, wanted: ReadonlySet<string>): TakenMessage[] {
    const chosen: TakenMessage[] = [];
    this.look(queue, (message) => {
      if (!wanted.has(message.properties.messageId ?? '')) return false;
      chosen.push(message);
      return true;
    });
    return chosen;
  }

  private all(queue: string): TakenMessage[] {
    const all: TakenMessage[] = [];
    this.look(queue, (message) => {
      all.push(message);
      return false;
    });
    return all;
  }

  /** Takes all and puts back what `keep` does not want, which nobody notices: it is done in one go. */
  private look(queue: string, keep: (message: TakenMessage) => boolean): void {
    this.isLooking = true;
    try {
      this.inner.take(queue, Infinity, (taken) => {
        // The newest first: each then has its place before what is there already.
        for (const message of taken.filter((one) => !keep(one)).reverse()) this.inner.settle(message, 'untake');
      });
    } finally {
      this.isLooking = false;
    }
  }

  private remember(queue: string, message: TakenMessage): void {
    const { messageId } = message.properties;
    if (messageId === undefined) return;
    this.gone.set(messageId, { queue, message });
    if (this.gone.size > MOST_GONE) this.gone.delete(this.gone.keys().next().value as string);
  }
}

function visible({ body, properties }: Message): Message {
  return { body, properties };
}

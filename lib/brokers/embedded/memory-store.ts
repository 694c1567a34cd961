import { PublishBufferFullError } from '../../errors.js';
import { keyWithoutLevel } from '../../task/queue-lines.js';
import type { Address, Message, MessageProperties, Topology } from '../broker.js';
import { MemoryBroadcasts } from './broadcast-ring.js';
import type { Clock } from '../store/clock.js';
import { copyProperties } from './copy-properties.js';
import { DelayedHeap } from '../../time/delayed-heap.js';
import { DueTimer, dueTime } from './due-timer.js';
import { MemoryQueue } from './memory-queue.js';
import type { MessageStore, StoreListener } from './message-store.js';
import type { Settlement, TakenMessage } from '../store/queue-store.js';
import { RoutingTable, type DeclaredQueue } from './routing-table.js';
import { LOOK_AGAIN_MS, problemOf, undeliverable, untoldWarning } from '../store/undeliverable.js';

/** What a message costs beside its body, roughly; so that a flood of empty bodies is bounded too. */
const OVERHEAD_BYTES = 256;

const DONE = Promise.resolve();

/** Waits for its time. Where it goes, a routing key decides only then. */
interface DelayedMessage extends Message {
  readonly exchange: string;
  readonly address: Address;
  readonly dueAt: number;
  readonly order: number;
}

class HeldMessage implements TakenMessage {
  redelivered = false;
  /** What is in memory dies with the process that holds it. */
  readonly deliveryCount = 0;

  constructor(
    readonly queue: DeclaredQueue,
    readonly body: Buffer,
    readonly kept: MessageProperties,
    readonly exchange: string,
    readonly routingKey: string,
    public order: number,
  ) {}

  get properties(): MessageProperties {
    return this.kept.headers === undefined ? this.kept : copyProperties(this.kept);
  }
}

/** Messages in memory: as fast as it gets, gone with the process. Bounded by `maxBytes`, taken and delayed ones included. */
export class MemoryStore implements MessageStore {
  readonly broadcasts = new MemoryBroadcasts();
  private readonly routes = new RoutingTable();
  private readonly queues = new Map<DeclaredQueue, MemoryQueue<HeldMessage>>();
  private readonly delayed = new DelayedHeap<DelayedMessage>();
  private readonly timer: DueTimer;
  private readonly taken = new Set<HeldMessage>();
  private readonly locks = new Set<string>();
  private readonly signals = new Map<string, number>();
  private listener: StoreListener | undefined;
  private order = 0;
  private bytes = 0;
  /** Undeliverable ones of which somebody is being told. */
  private untold = 0;

  constructor(
    private readonly clock: Clock,
    private readonly maxBytes: number,
  ) {
    this.timer = new DueTimer(clock, () => this.releaseDue());
  }

  open(listener: StoreListener): Promise<void> {
    this.listener = listener;
    return DONE;
  }

  declare(exchange: string, topology: Topology): Promise<void> {
    return attempt(() => this.declareNow(exchange, topology));
  }

  publish(exchange: string, message: Message, address: Address, delayMs: number): Promise<void> {
    return attempt(() => {
      const copies = delayMs > 0 && 'routingKey' in address ? 1 : this.routes.route(exchange, address).length;
      this.reserve(copies * sizeOf(message));
      const copy = { body: Buffer.from(message.body), properties: copyProperties(message.properties) };
      if (delayMs > 0) this.delay({ ...copy, exchange, address, dueAt: dueTime(this.clock, delayMs), order: ++this.order });
      else this.deliver(exchange, copy, address);
    });
  }

  hasQueue(queue: string): boolean {
    return this.routes.queue(queue) !== undefined;
  }

  exchangesOf(queue: string): readonly string[] {
    return this.routes.exchangesOf(queue);
  }

  interest(): void {
    // Everybody who could wait is in this process and hears `ready`.
  }

  take(name: string, limit: number, into: (taken: readonly TakenMessage[], more: boolean) => void): void {
    const queue = this.queueNamed(name);
    const taken: HeldMessage[] = [];
    while (queue !== undefined && taken.length < limit) {
      const held = queue.shift();
      if (held === undefined) break;
      this.taken.add(held);
      taken.push(held);
    }
    into(taken, queue !== undefined && queue.size > 0);
  }

  settle(taken: TakenMessage, how: Settlement): boolean {
    const held = taken as HeldMessage;
    if (!this.taken.delete(held)) return false;
    if (how === 'ack') {
      this.bytes -= sizeOf(held);
      return true;
    }
    if (how === 'requeue') held.redelivered = true;
    this.queues.get(held.queue)?.putBack(held);
    this.listener?.ready(held.queue.name);
    return true;
  }

  written(): Promise<void> {
    return DONE;
  }

  depth(queue: string): Promise<number | undefined> {
    return Promise.resolve(this.queueNamed(queue)?.size);
  }

  first(queue: string): Promise<MessageProperties | undefined> {
    return Promise.resolve(this.queueNamed(queue)?.first?.properties);
  }

  delayedCount(): Promise<number> {
    return Promise.resolve(this.delayed.size + this.untold);
  }

  dueTimes(most: number): Promise<readonly number[]> {
    const times: number[] = [];
    for (const { dueAt } of this.delayed) times.push(dueAt);
    return Promise.resolve(times.sort((a, b) => a - b).slice(0, most));
  }

  signal(name: string): Promise<void> {
    this.signals.set(name, this.signalCount(name) + 1);
    return DONE;
  }

  signalCount(name: string): number {
    return this.signals.get(name) ?? 0;
  }

  purge(name: string): Promise<number> {
    const queue = this.queueNamed(name);
    let removed = 0;
    for (let held = queue?.shift(); held !== undefined; held = queue?.shift()) {
      this.bytes -= sizeOf(held);
      removed++;
    }
    return Promise.resolve(removed);
  }

  lock(name: string): Promise<boolean> {
    const free = !this.locks.has(name);
    this.locks.add(name);
    return Promise.resolve(free);
  }

  unlock(name: string): Promise<void> {
    this.locks.delete(name);
    return DONE;
  }

  close(): Promise<void> {
    this.timer.stop();
    this.listener = undefined;
    return DONE;
  }

  private queueNamed(name: string): MemoryQueue<HeldMessage> | undefined {
    const declared = this.routes.queue(name);
    return declared === undefined ? undefined : this.queues.get(declared);
  }

  private declareNow(exchange: string, topology: Topology): void {
    this.routes.declare(exchange, topology);
    for (const queue of this.routes.queues) {
      if (!this.queues.has(queue)) this.queues.set(queue, new MemoryQueue());
    }
  }

  private append(held: HeldMessage): void {
    held.order = ++this.order;
    this.queues.get(held.queue)?.push(held);
    this.listener?.ready(held.queue.name);
  }

  private deliver(exchange: string, { body, properties }: Message, address: Address): void {
    for (const queue of this.routes.route(exchange, address)) {
      this.append('queue' in address
        ? new HeldMessage(queue, body, properties, '', queue.name, 0)
        : new HeldMessage(queue, body, properties, exchange, address.routingKey, 0));
    }
  }

  private delay(message: DelayedMessage): void {
    this.delayed.push(message);
    this.timer.setAtLatest(message.dueAt);
  }

  private releaseDue(): void {
    const now = this.clock.now();
    for (let next = this.delayed.peek(); next !== undefined; next = this.delayed.peek()) {
      if (next.dueAt > now) return this.timer.setAtLatest(next.dueAt);
      this.delayed.pop();
      this.release(next);
    }
  }

  private release(message: DelayedMessage): void {
    const { exchange, address } = message;
    try {
      // Accepted already: further copies are taken whatever the limit says.
      this.bytes += (this.routes.route(exchange, address).length - 1) * sizeOf(message);
      this.deliver(exchange, message, address);
    } catch (error) {
      if (!('routingKey' in address)) throw error;
      const plain = keyWithoutLevel(address.routingKey, message.properties.headers);
      if (plain !== undefined) return this.release({ ...message, address: { routingKey: plain } });
      this.giveUp(message, address.routingKey, problemOf(error));
    }
  }

  private giveUp(message: DelayedMessage, routingKey: string, problem: string): void {
    const tell = this.listener?.tellerOf(message.exchange) ?? 'others';
    if (tell === 'nobody') return this.bury(message, routingKey, problem);
    if (tell === 'others') return this.lookAgain(message);
    this.untold++;
    const { body, properties, exchange } = message;
    void attempt(() => tell({ body, properties: copyProperties(properties), exchange, routingKey }, problem))
      .then(() => this.bury(message, routingKey, problem))
      .catch((error: unknown) => {
        this.listener?.warning(untoldWarning(properties.messageId, error));
        this.lookAgain(message);
      })
      .finally(() => { this.untold--; });
  }

  private lookAgain(message: DelayedMessage): void {
    // Closed: nobody is there any more for whom it could be due.
    if (this.listener !== undefined) this.delay({ ...message, dueAt: this.clock.now() + LOOK_AGAIN_MS });
  }

  private bury(message: DelayedMessage, routingKey: string, problem: string): void {
    const { exchange } = message;
    const { queue, topology, message: kept, warning } = undeliverable(exchange, routingKey, message, problem, this.clock.now());
    if (!this.hasQueue(queue)) this.declareNow(exchange, topology);
    this.deliver(exchange, kept, { queue });
    this.listener?.warning(warning);
  }

  private reserve(bytes: number): void {
    if (this.bytes + bytes > this.maxBytes) {
      throw new PublishBufferFullError(
        `The embedded broker holds ${this.bytes} bytes in memory and takes no message of ${bytes} bytes on top: its limit (maxWaitingBytes) is ${this.maxBytes}. ` +
          `Publish more slowly, add workers, raise the limit, or keep the messages on disk with 'embedded:./folder'.`,
        { heldBytes: this.bytes, messageBytes: bytes, maxWaitingBytes: this.maxBytes },
      );
    }
    this.bytes += bytes;
  }
}

function sizeOf(message: { readonly body: Buffer }): number {
  return message.body.length + OVERHEAD_BYTES;
}

/** One shared promise for the usual outcome: nothing is allocated for each message. */
function attempt(action: () => Promise<void> | undefined | void): Promise<void> {
  try {
    return action() ?? DONE;
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}

import { PublishBufferFullError } from '../../errors.js';
import type { Address, Message, MessageProperties, Topology } from '../broker.js';
import type { Clock } from './clock.js';
import { copyProperties } from './copy-properties.js';
import { DelayedHeap } from './delayed-heap.js';
import { DueTimer, dueTime } from './due-timer.js';
import { MemoryQueue } from './memory-queue.js';
import type { MessageStore, Settlement, StoreListener, TakenMessage } from './message-store.js';
import { RoutingTable, type DeclaredQueue } from './routing-table.js';

/** What a message costs beside its body, roughly; so that a flood of empty bodies is bounded too. */
const OVERHEAD_BYTES = 256;

const DONE = Promise.resolve();

class HeldMessage implements TakenMessage {
  deliveryCount = 0;
  dueAt = 0;

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
  private readonly routes = new RoutingTable();
  private readonly queues = new Map<DeclaredQueue, MemoryQueue<HeldMessage>>();
  private readonly delayed = new DelayedHeap<HeldMessage>();
  private readonly timer: DueTimer;
  private readonly taken = new Set<HeldMessage>();
  private listener: StoreListener | undefined;
  private order = 0;
  private bytes = 0;

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
    return attempt(() => {
      this.routes.declare(exchange, topology);
      for (const queue of this.routes.queues) {
        if (!this.queues.has(queue)) this.queues.set(queue, new MemoryQueue());
      }
    });
  }

  publish(exchange: string, message: Message, address: Address, delayMs: number): Promise<void> {
    return attempt(() => {
      const queues = this.routes.route(exchange, address);
      this.reserve(queues.length * sizeOf(message));
      const body = Buffer.from(message.body);
      const properties = copyProperties(message.properties);
      for (const queue of queues) {
        const held =
          'queue' in address
            ? new HeldMessage(queue, body, properties, '', queue.name, 0)
            : new HeldMessage(queue, body, properties, exchange, address.routingKey, 0);
        if (delayMs > 0) this.delay(held, delayMs);
        else this.append(held);
      }
    });
  }

  hasQueue(queue: string): boolean {
    return this.routes.queue(queue) !== undefined;
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
    if (how === 'requeue') held.deliveryCount += 1;
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

  close(): Promise<void> {
    this.timer.stop();
    this.listener = undefined;
    return DONE;
  }

  private queueNamed(name: string): MemoryQueue<HeldMessage> | undefined {
    const declared = this.routes.queue(name);
    return declared === undefined ? undefined : this.queues.get(declared);
  }

  private append(held: HeldMessage): void {
    held.order = ++this.order;
    this.queues.get(held.queue)?.push(held);
    this.listener?.ready(held.queue.name);
  }

  private delay(held: HeldMessage, delayMs: number): void {
    held.order = ++this.order;
    held.dueAt = dueTime(this.clock, delayMs);
    this.delayed.push(held);
    this.timer.setAtLatest(held.dueAt);
  }

  private releaseDue(): void {
    const now = this.clock.now();
    for (let next = this.delayed.peek(); next !== undefined; next = this.delayed.peek()) {
      if (next.dueAt > now) return this.timer.setAtLatest(next.dueAt);
      this.delayed.pop();
      this.append(next);
    }
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
function attempt(action: () => void): Promise<void> {
  try {
    action();
    return DONE;
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}

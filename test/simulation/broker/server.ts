import type { Address, Message, Topology } from '../../../lib/brokers/broker.js';
import { keyWithoutLevel } from '../../../lib/task/queue-lines.js';
import { deadLetterQueueOf } from '../../../lib/task/dead-letter-queue.js';
import { NOBODY } from '../lane.js';
import type { Link } from '../link.js';
import type { World } from '../world.js';
import { ServerQueue, type Copy, type ServerConsumer } from './server-queue.js';

/** Delayed, and no queue takes it yet. */
const LOOK_AGAIN_MS = 5_000;
/** Of the acknowledgements that came last a server that is killed may forget some. */
const MOST_FORGOTTEN = 5;

/** Told of whatever becomes of copies. */
export interface CopyWatch {
  stored(copy: Copy, queue: string | undefined): void;
  /** Nobody has it any more. `acknowledged`: by whom; otherwise the queue was deleted with it. */
  gone(copy: Copy, acknowledged: number | undefined): void;
  /** A quorum queue has given it up, and it is in its dead letter queue. */
  givenUp(copy: Copy): void;
}

export interface ServerOptions {
  /** How often a quorum queue lets a message come back. */
  readonly deliveryLimit: number;
}

/** What RabbitMQ, or another broker, keeps: it outlives every process, and does nothing that the port does not allow. */
export class BrokerServer {
  readonly queues = new Map<string, ServerQueue>();
  readonly delayed = new Map<Copy, Address>();
  /** Under an alarm it takes nothing. */
  isAlarmed = false;
  isDown = false;
  private copies = 0;
  private readonly settled: { readonly queue: string; readonly copy: Copy }[] = [];

  constructor(private readonly world: World, private readonly options: ServerOptions, private readonly watch: CopyWatch) {}

  declare({ queues }: Topology): void {
    for (const { name, bindingKeys = [], type } of queues) {
      const queue = this.queues.get(name) ?? new ServerQueue(name, type === 'quorum');
      this.queues.set(name, queue);
      for (const key of bindingKeys) queue.keys.add(key);
    }
  }

  /** False: no queue takes it. */
  publish(exchange: string, message: Message, address: Address, delayMs: number): boolean {
    if (delayMs > 0) {
      if ('queue' in address && !this.queues.has(address.queue)) return false;
      const copy = this.copyOf(exchange, message, address);
      this.watch.stored(copy, undefined);
      this.delay(copy, address, delayMs);
      return true;
    }
    return this.route(address, (queue) => this.store(queue, this.copyOf(exchange, message, address)));
  }

  consume(name: string, consumer: ServerConsumer): void {
    const queue = this.queues.get(name);
    queue?.consumers.push(consumer);
    queue?.pump();
  }

  setPrefetch(name: string, consumer: ServerConsumer, prefetch: number): void {
    consumer.prefetch = prefetch;
    this.queues.get(name)?.pump();
  }

  settle(name: string, consumer: ServerConsumer, tag: number, how: 'ack' | 'requeue'): void {
    const copy = consumer.unsettled.get(tag);
    if (copy === undefined) return;
    consumer.unsettled.delete(tag);
    const queue = this.queues.get(name);
    if (queue === undefined) return;
    if (how === 'requeue') {
      this.putBack(queue, copy);
    } else {
      this.settled.push({ queue: name, copy });
      if (this.settled.length > MOST_FORGOTTEN) this.settled.shift();
      this.watch.gone(copy, consumer.link.owner);
    }
    queue.pump();
  }

  /** What it holds goes back to the queue. */
  endConsumer(name: string, consumer: ServerConsumer): void {
    const queue = this.queues.get(name);
    const at = queue?.consumers.indexOf(consumer) ?? -1;
    if (queue === undefined || at < 0) return;
    queue.consumers.splice(at, 1);
    for (const copy of consumer.unsettled.values()) this.putBack(queue, copy);
    consumer.unsettled.clear();
    queue.pump();
  }

  /** What this process has not settled. */
  *heldBy(owner: number): Generator<Copy> {
    for (const { consumers } of this.queues.values()) for (const { link, unsettled } of consumers) if (link.owner === owner) yield* unsettled.values();
  }

  /** A connection is gone: whatever it held goes back. */
  forget(link: Link): void {
    for (const queue of this.queues.values()) {
      for (const consumer of queue.consumers.filter((one) => one.link === link)) this.endConsumer(queue.name, consumer);
      if (queue.walked?.link === link) this.endWalk(queue.name, () => false);
    }
  }

  /** Holds all that waits, for somebody who looks at it; `undefined`: another one does. */
  beginWalk(name: string, link: Link): readonly Copy[] | undefined {
    const queue = this.queues.get(name) as ServerQueue;
    if (queue.walked !== undefined) return undefined;
    queue.walked = { link, copies: queue.waiting.splice(0) };
    return queue.walked.copies;
  }

  /** How many were removed. */
  endWalk(name: string, isRemoved: (copy: Copy) => boolean): number {
    const queue = this.queues.get(name);
    if (queue?.walked === undefined) return 0;
    const { copies } = queue.walked;
    queue.walked = undefined;
    const kept = copies.filter((copy) => !isRemoved(copy));
    queue.waiting.unshift(...kept);
    for (const copy of copies) if (!kept.includes(copy)) this.watch.gone(copy, NOBODY);
    queue.pump();
    return copies.length - kept.length;
  }

  /** By an operator, with all that is in it; its consumers are told. */
  delete(name: string): void {
    const queue = this.queues.get(name);
    if (queue === undefined) return;
    this.queues.delete(name);
    for (const copy of queue.all()) this.watch.gone(copy, undefined);
    for (const consumer of queue.consumers) {
      consumer.unsettled.clear();
      consumer.cancelled();
    }
  }

  /** Killed and back again: it has what it confirmed, and may have forgotten the latest acknowledgements. */
  forgetAcknowledgements(): void {
    for (const { queue, copy } of this.settled.splice(0)) {
      if (this.world.chance.next() < 0.5 || !this.queues.has(queue)) continue;
      const found = this.queues.get(queue);
      // A classic queue forgets that it has delivered it, too.
      copy.redelivered = found?.isQuorum === true || this.world.chance.next() < 0.5;
      found?.putBack(copy);
      this.watch.stored(copy, queue);
    }
    for (const queue of this.queues.values()) queue.pump();
  }

  private route(address: Address, into: (queue: ServerQueue) => void): boolean {
    const targets = [...this.queues.values()].filter(({ name, keys }) => ('queue' in address ? name === address.queue : keys.has(address.routingKey)));
    for (const queue of targets) into(queue);
    return targets.length > 0;
  }

  private copyOf(exchange: string, message: Message, address: Address): Copy {
    const [from, routingKey] = 'queue' in address ? ['', address.queue] : [exchange, address.routingKey];
    return { id: ++this.copies, message, exchange: from, routingKey, redelivered: false, returns: 0 };
  }

  private store(queue: ServerQueue, copy: Copy): void {
    queue.waiting.push(copy);
    this.watch.stored(copy, queue.name);
    queue.pump();
  }

  private delay(copy: Copy, address: Address, delayMs: number): void {
    this.delayed.set(copy, address);
    this.world.within(NOBODY, () => this.world.time.setTimeout(() => this.due(copy, address), delayMs));
  }

  private due(copy: Copy, address: Address): void {
    this.delayed.delete(copy);
    const { message, exchange } = copy;
    const isTaken = this.route(address, (queue) => this.store(queue, this.copyOf(exchange, message, address))) || this.lessUrgent(copy, address);
    if (isTaken) this.watch.gone(copy, NOBODY);
    else this.delay(copy, address, LOOK_AGAIN_MS);
  }

  private lessUrgent({ message, exchange }: Copy, address: Address): boolean {
    const routingKey = 'routingKey' in address ? keyWithoutLevel(address.routingKey, message.properties.headers) : undefined;
    return routingKey !== undefined && this.route({ routingKey }, (queue) => this.store(queue, this.copyOf(exchange, message, { routingKey })));
  }

  private putBack(queue: ServerQueue, copy: Copy): void {
    copy.redelivered = true;
    copy.returns++;
    const dead = this.queues.get(deadLetterQueueOf(queue.name));
    if (!queue.isQuorum || copy.returns <= this.options.deliveryLimit || dead === undefined) return queue.putBack(copy);
    dead.waiting.push(copy);
    this.watch.givenUp(copy);
  }
}

import { TopologyMismatchError, UnroutableTaskError } from '../../errors.js';
import type { Address, QueueDeclaration, QueueType, Topology } from '../broker.js';

/** A queue as it was declared, with a number that stands for it in keys. */
export interface DeclaredQueue {
  readonly id: number;
  readonly name: string;
  readonly type: QueueType;
  /** Exchange and binding key of each binding. */
  readonly bindings: (readonly [exchange: string, key: string])[];
}

const NONE: readonly DeclaredQueue[] = [];

/**
 * Which queues exist and which messages reach them: a direct exchange as RabbitMQ has it. Queues
 * are known by name to everybody; bindings belong to one exchange. Pure; holds no messages.
 */
export class RoutingTable {
  private readonly byName = new Map<string, DeclaredQueue>();
  private readonly byId = new Map<number, DeclaredQueue>();
  private readonly bound = new Map<string, Map<string, DeclaredQueue[]>>();

  static from(queues: readonly DeclaredQueue[]): RoutingTable {
    const table = new RoutingTable();
    for (const queue of queues) table.restore(queue);
    return table;
  }

  get queues(): readonly DeclaredQueue[] {
    return [...this.byName.values()];
  }

  queue(name: string): DeclaredQueue | undefined {
    return this.byName.get(name);
  }

  /** Each once. */
  exchangesOf(name: string): readonly string[] {
    return [...new Set(this.byName.get(name)?.bindings.map(([exchange]) => exchange))];
  }

  queueOf(id: number): DeclaredQueue | undefined {
    return this.byId.get(id);
  }

  /**
   * Adds what is missing; false when nothing was. All or nothing: a mismatch changes nothing.
   * @throws TopologyMismatchError
   */
  declare(exchange: string, topology: Topology): boolean {
    for (const wanted of topology.queues) this.check(wanted);
    let changed = false;
    for (const wanted of topology.queues) changed = this.add(exchange, wanted) || changed;
    return changed;
  }

  /**
   * The queues that take a message of this address, each once.
   * @throws UnroutableTaskError when there is none
   */
  route(exchange: string, address: Address): readonly DeclaredQueue[] {
    if ('queue' in address) {
      const queue = this.byName.get(address.queue);
      if (queue === undefined) throw noSuchQueue(address.queue);
      return [queue];
    }
    const queues = this.bound.get(exchange)?.get(address.routingKey) ?? NONE;
    if (queues.length === 0) throw unbound(exchange, address.routingKey);
    return queues;
  }

  private check(wanted: QueueDeclaration): void {
    const found = this.byName.get(wanted.name);
    const type = typeOf(wanted);
    if (found === undefined || found.type === type) return;
    throw new TopologyMismatchError(
      `Queue '${wanted.name}' exists with type '${found.type}', but was declared with type '${type}'. ` +
        `Declare it with type '${found.type}', or choose another name.`,
      { queue: wanted.name, found: found.type, expected: type },
    );
  }

  private add(exchange: string, wanted: QueueDeclaration): boolean {
    const found = this.byName.get(wanted.name);
    const queue = found ?? { id: this.byId.size + 1, name: wanted.name, type: typeOf(wanted), bindings: [] };
    if (found === undefined) this.restore(queue);
    let changed = found === undefined;
    for (const key of wanted.bindingKeys ?? []) {
      if (!this.bind(queue, exchange, key)) continue;
      queue.bindings.push([exchange, key]);
      changed = true;
    }
    return changed;
  }

  private restore(queue: DeclaredQueue): void {
    this.byName.set(queue.name, queue);
    this.byId.set(queue.id, queue);
    for (const [exchange, key] of queue.bindings) this.bind(queue, exchange, key);
  }

  private bind(queue: DeclaredQueue, exchange: string, key: string): boolean {
    let keys = this.bound.get(exchange);
    if (keys === undefined) this.bound.set(exchange, (keys = new Map<string, DeclaredQueue[]>()));
    const queues = keys.get(key);
    if (queues === undefined) keys.set(key, [queue]);
    else if (queues.includes(queue)) return false;
    else queues.push(queue);
    return true;
  }
}

/** This broker's default is `classic`. */
function typeOf({ type }: QueueDeclaration): QueueType {
  return type === 'quorum' ? 'quorum' : 'classic';
}

function noSuchQueue(queue: string): UnroutableTaskError {
  return new UnroutableTaskError(
    `There is no queue '${queue}' to take the message. Declare it first (initQueues or a worker of that queue), or mend the name.`,
    { queue },
  );
}

function unbound(exchange: string, routingKey: string): UnroutableTaskError {
  return new UnroutableTaskError(
    `No queue is bound to exchange '${exchange}' with routing key '${routingKey}'. ` +
      `Add the key to the bindingKeys of a queue (initQueues or a worker), or publish with a key that is bound.`,
    { exchange, routingKey },
  );
}

import { ConfigurationError, TopologyMismatchError } from '../../../errors.js';
import { deadLetterQueueOf } from '../../../task/dead-letter-queue.js';
import type { QueueDeclaration } from '../../broker.js';
import type { RedisSession } from '../redis-session.js';
import type { Peer, Place } from './peer.js';
import { peerOf } from './peers.js';
import { FOREIGN_DECLARE, FOREIGN_QUEUES } from './scripts.js';

/** A queue as another system keeps it. */
export interface ForeignPlace extends Place {
  readonly peer: Peer;
}

interface Declared {
  readonly format: string;
  readonly keys: Readonly<Record<string, true>>;
}

/** Which queues are those of other systems: what this process declares, and what others have. */
export class ForeignRegister {
  private readonly places = new Map<string, ForeignPlace>();
  private readonly byKey = new Map<string, Set<string>>();
  /** Declared here: again on a server that has lost it. */
  private readonly own = new Map<string, QueueDeclaration>();

  get queues(): readonly ForeignPlace[] {
    return [...this.places.values()];
  }

  /** `undefined`: it is a queue of our own. */
  find(queue: string): ForeignPlace | undefined {
    return this.places.get(queue);
  }

  boundTo(routingKey: string): readonly string[] {
    return [...this.byKey.get(routingKey) ?? []];
  }

  /**
   * Declares those that are, or are known to be, of another system.
   *
   * @returns the others
   * @throws TopologyMismatchError, ConfigurationError
   */
  async declare(session: RedisSession, queues: readonly QueueDeclaration[]): Promise<QueueDeclaration[]> {
    const others: QueueDeclaration[] = [];
    const foreign = queues.filter((queue) => queue.format !== undefined && peerOf(queue.format) !== undefined);
    for (const queue of foreign) await this.declareOne(session, queue);
    for (const queue of queues) {
      if (foreign.includes(queue)) continue;
      const place = this.places.get(queue.name);
      if (place === undefined) others.push(queue);
      else if (!place.isDead) await this.declareOne(session, { ...queue, format: place.peer.format });
    }
    return others;
  }

  /** On each new connection. */
  async restore(session: RedisSession): Promise<void> {
    for (const queue of this.own.values()) await this.send(session, queue);
    const all = await session.call<Record<string, string> | readonly string[]>(FOREIGN_QUEUES, []);
    const flat = Array.isArray(all) ? all as readonly string[] : Object.entries(all).flat();
    for (let at = 0; at < flat.length; at += 2) this.learn(flat[at] as string, JSON.parse(flat[at + 1] as string) as Declared);
  }

  private async declareOne(session: RedisSession, queue: QueueDeclaration): Promise<void> {
    if (session.isCluster) throw new ConfigurationError(`The queue '${queue.name}' has the format '${queue.format}', whose keys are spread over the nodes of a cluster, where nothing can be done with several of them as a whole. Use a Redis that is no cluster.`, { queue: queue.name, format: queue.format });
    const waiting = await this.send(session, queue);
    this.own.set(queue.name, queue);
    if (waiting > 0) throw new TopologyMismatchError(
      `The queue '${queue.name}' has ${waiting} tasks in this library's own form, which nobody takes once it has the format '${queue.format}'. Work them off without the format first, or choose another name.`, { queue: queue.name, format: queue.format, waiting });
  }

  private async send(session: RedisSession, { name, format, bindingKeys = [] }: QueueDeclaration): Promise<number> {
    const [text, waiting] = await session.call<[string, number]>(FOREIGN_DECLARE, [name, format as string, ...bindingKeys]);
    const declared = JSON.parse(text) as Declared;
    if (declared.format !== format) {
      throw new TopologyMismatchError(`Queue '${name}' exists with the format '${declared.format}', but was declared with the format '${format}'. Declare it with '${declared.format}', or choose another name.`, { queue: name, found: declared.format, expected: format });
    }
    this.learn(name, declared);
    return waiting;
  }

  private learn(queue: string, { format, keys }: Declared): void {
    const peer = peerOf(format);
    // Of a newer version of this library.
    if (peer === undefined) return;
    this.places.set(queue, { queue, peer, isDead: false });
    if (peer.hasDead) this.places.set(deadLetterQueueOf(queue), { queue, peer, isDead: true });
    for (const key of Object.keys(keys)) this.byKey.set(key, (this.byKey.get(key) ?? new Set<string>()).add(queue));
  }
}

import { randomBytes } from 'node:crypto';
import type { DispatcherError } from '../../../errors.js';
import { attemptIn } from '../../../task/headers.js';
import type { Address, ConsumeOptions, Message, QueueDeclaration } from '../../broker.js';
import type { RedisPublishingLimits } from '../redis-broker-options.js';
import type { RedisSession } from '../redis-session.js';
import { DueJobs } from './due-jobs.js';
import { ForeignPublisher } from './foreign-publisher.js';
import { ForeignRegister, type ForeignPlace } from './foreign-register.js';
import { ForeignStore } from './foreign-store.js';
import { Presence } from './presence.js';
import { FOREIGN_DELAYED_WITHIN } from './put-scripts.js';
import { FOREIGN_RELEASE } from './scripts.js';

export interface ForeignQueuesHost {
  owner(): string;
  isInDoubt(): boolean;
  session(): Promise<RedisSession>;
  ready(queue: string): void;
  missed(): void;
  warning(message: string): void;
  unavailable(): DispatcherError;
  lock(name: string): Promise<boolean>;
  unlock(name: string): Promise<void>;
}

/**
 * Queues on this Redis as other systems keep them: taken from, and added to, in their own keys. What is taken is held under
 * the lease of this process, in the same step, and is put back where it was when the process dies.
 */
export class ForeignQueues {
  readonly store: ForeignStore;
  private readonly register: ForeignRegister;
  private readonly publisher: ForeignPublisher;
  private readonly due: DueJobs;
  private readonly presence: Presence;
  private session: RedisSession | undefined;

  constructor(private readonly host: ForeignQueuesHost, limits: RedisPublishingLimits) {
    const pool = randomBytes(12).toString('hex');
    this.register = new ForeignRegister();
    this.store = new ForeignStore({ ...host, find: (queue) => this.register.find(queue), namesFor: (queue) => this.presence.namesFor(queue), pool });
    const { store } = this;
    this.publisher = new ForeignPublisher(limits, {
      unavailable: () => host.unavailable(),
      added: (queue, delayMs) => {
        if (delayMs === 0 && store.consumed.has(queue)) store.wake(queue);
      },
    });
    this.due = new DueJobs({
      queues: () => this.register.queues, warning: (message) => host.warning(message),
      woken: () => { for (const queue of store.consumed) store.wake(queue); },
    });
    this.presence = new Presence(pool, { store, find: (queue) => this.register.find(queue) });
  }

  /** `undefined`: it is a queue of our own. */
  find(queue: string): ForeignPlace | undefined {
    return this.register.find(queue);
  }

  /** Which of them a message to this address goes to. */
  at(address: Address): readonly string[] {
    const bound = 'routingKey' in address ? this.register.boundTo(address.routingKey) : [];
    if (bound.length > 0) return bound;
    // The other systems know no keys: with them a task goes to the queue of that name.
    const name = 'routingKey' in address ? address.routingKey : address.queue;
    return this.register.find(name) === undefined ? [] : [name];
  }

  /** @returns those that are not of another system @throws TopologyMismatchError, BrokerError */
  async declare(session: RedisSession, queues: readonly QueueDeclaration[]): Promise<QueueDeclaration[]> {
    const others = await this.register.declare(session, queues);
    if (others.length < queues.length) this.due.begin();
    return others;
  }

  async publish(message: Message, queue: string, delayMs: number): Promise<void> {
    const place = this.register.find(queue) as ForeignPlace;
    await this.publisher.publish(message, queue, place, delayMs);
    if (place.isDead || attemptIn(message.properties.headers) > 1) this.presence.failedOne(place.queue);
  }

  /** With what waits here for systems without delays, within the same bounds. */
  async withDelayed(session: RedisSession, counts: readonly number[], bounds: readonly string[]): Promise<number[]> {
    if (this.register.queues.length === 0) return [...counts];
    const own = await session.call<number[]>(FOREIGN_DELAYED_WITHIN, bounds);
    return counts.map((count, at) => count + (own[at] as number));
  }

  /** A worker of this process takes it up. */
  consuming(queue: string, options: ConsumeOptions): void {
    this.presence.begun(queue, options);
  }

  /** On each new connection, once the lease stands. */
  async prepare(session: RedisSession): Promise<void> {
    await this.register.restore(session);
    if (this.register.queues.length > 0) await this.store.reconcile(session);
  }

  connected(session: RedisSession): void {
    this.session = session;
    for (const part of [this.store, this.publisher, this.due, this.presence]) part.connected(session);
  }

  disconnected(): void {
    this.session = undefined;
    for (const part of [this.store, this.publisher, this.due, this.presence]) part.disconnected();
  }

  leaseLost(): void {
    this.store.leaseLost();
  }

  broken(error: DispatcherError): void {
    this.publisher.broken(error);
  }

  /** Sends out what has been accepted. */
  close(limitMs: number): Promise<void> {
    return this.publisher.close(limitMs);
  }

  /** In order: what is still held goes back as if it had never been taken. */
  async release(): Promise<void> {
    const { session } = this;
    if (session === undefined || this.register.queues.length === 0) return;
    await this.presence.leave();
    await session.call(FOREIGN_RELEASE, [this.host.owner()]);
  }
}

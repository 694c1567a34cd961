import { clock, type ClockTimer } from '../../../time/clock.js';
import type { ConsumeOptions } from '../../broker.js';
import type { RedisSession } from '../redis-session.js';
import type { ForeignPlace } from './foreign-register.js';
import type { ForeignStore } from './foreign-store.js';
import type { Command, PeerPresence, WorkerNow } from './peer.js';
import { RUN_ALL } from './scripts.js';

/** As Sidekiq's and gocraft's workers say it. */
const BEAT_MS = 5_000;

export interface PresenceHost {
  readonly store: ForeignStore;
  find(queue: string): ForeignPlace | undefined;
}

interface Scope {
  readonly name: string;
  readonly presence: PeerPresence;
  readonly queues: string[];
}

/** Says to the other systems that we work on their queues, in the way in which their own pages show it. */
export class Presence {
  private session: RedisSession | undefined;
  private timer: ClockTimer | undefined;
  private readonly startedMs = clock.now();
  /** By queue, and then by their tags: one that takes it up again is the same. */
  private readonly consumers = new Map<string, Map<string, ConsumeOptions>>();
  private readonly failed = new Map<string, number>();
  private isBeating = false;

  /** @param id names this process in their keys */
  constructor(private readonly id: string, private readonly host: PresenceHost) {}

  connected(session: RedisSession): void {
    this.session = session;
    if (this.consumers.size > 0) this.begin();
  }

  disconnected(): void {
    this.session = undefined;
    clock.clear(this.timer);
  }

  /** A worker of this process has taken up a queue. */
  begun(queue: string, options: ConsumeOptions): void {
    const consumers = this.consumers.get(queue) ?? new Map<string, ConsumeOptions>();
    this.consumers.set(queue, consumers.set(options.tag, options));
    this.begin();
  }

  /** Of the tasks that have a handler here. */
  namesFor(queue: string): string[] {
    return [...new Set(this.consumersOf(queue).flatMap(({ names }) => names?.() ?? []))];
  }

  /** A task of the queue has failed, and is tried again or dead. */
  failedOne(queue: string): void {
    this.failed.set(queue, (this.failed.get(queue) ?? 0) + 1);
  }

  /** In order. */
  async leave(): Promise<void> {
    const { session } = this;
    this.disconnected();
    const commands = this.scopes([...this.consumers.keys()]).flatMap((scope) => scope.presence.farewell(this.nowOf(scope)));
    if (commands.length > 0) await session?.call(RUN_ALL, [JSON.stringify(commands)]);
  }

  private consumersOf(queue: string): ConsumeOptions[] {
    return [...this.consumers.get(queue)?.values() ?? []];
  }

  private begin(): void {
    clock.clear(this.timer);
    this.timer = clock.setInterval(() => void this.beat(), BEAT_MS);
    void this.beat();
  }

  private async beat(): Promise<void> {
    const { session } = this;
    if (session === undefined || this.isBeating) return;
    this.isBeating = true;
    try {
      const commands = this.scopes([...this.host.store.consumed]).flatMap((scope): readonly Command[] => scope.presence.beat(this.nowOf(scope)));
      if (commands.length > 0) await session.call(RUN_ALL, [JSON.stringify(commands)]);
    } catch {
      // The next one says the same.
    } finally {
      this.isBeating = false;
    }
  }

  private scopes(queues: readonly string[]): Scope[] {
    const scopes = new Map<string, Scope>();
    for (const queue of queues) {
      const place = this.host.find(queue);
      const presence = place?.peer.presence;
      if (place === undefined || presence === undefined) continue;
      const name = presence.scopeOf(place);
      const key = `${place.peer.format} ${name}`;
      const scope = scopes.get(key) ?? { name, presence, queues: [] };
      scope.queues.push(queue);
      scopes.set(key, scope);
    }
    return [...scopes.values()];
  }

  private nowOf({ name, queues }: Scope): WorkerNow {
    const { store } = this.host;
    return {
      scope: name, id: this.id, queues, names: [...new Set(queues.flatMap((queue) => this.namesFor(queue)))], nowMs: clock.now(), startedMs: this.startedMs,
      concurrency: queues.flatMap((queue) => this.consumersOf(queue)).reduce((sum, { prefetch }) => sum + prefetch, 0),
      held: [...store.held.values()].filter(({ queue }) => queues.includes(queue)),
      processed: taken(store.processed, queues), failed: taken(this.failed, queues),
    };
  }
}

/** What was counted of these, which is counted from zero then. */
function taken(counts: Map<string, number>, queues: readonly string[]): number {
  let sum = 0;
  for (const queue of queues) {
    sum += counts.get(queue) ?? 0;
    counts.delete(queue);
  }
  return sum;
}

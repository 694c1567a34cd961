import type { MessageProperties } from '../broker.js';
import type { QueueStore, Settlement, TakenMessage } from '../store/queue-store.js';
import { decodeMessage, type StoredMessage } from './message-record.js';
import type { RedisSession } from './redis-session.js';
import { LOCK, RECONCILE, UNLOCK } from './scripts/leases.js';
import { DEPTH, FIRST, PASS_ON, PURGE, SETTLE, TAKE } from './scripts/take.js';
import { HeldMessage, readTaken, Settlements, type SettlementsHost } from './settlements.js';

export interface QueueStoreHost extends SettlementsHost {
  readonly exchange: string;
  session(): Promise<RedisSession>;
  /** Messages may wait in this queue. */
  ready(queue: string): void;
}

/** What one answer may have of messages; one more piece may come on top. */
export const MOST_TAKEN_BYTES = '1048576';
const PURGED_AT_ONCE = 1_000;

class TakenFromRedis extends HeldMessage {
  readonly order = Number(this.id);
}

type Into = (taken: readonly TakenMessage[], more: boolean) => void;

/** The queues of one exchange in Redis, as this process takes from them. */
export class RedisQueueStore implements QueueStore {
  private readonly settlements: Settlements<TakenFromRedis>;
  /** Found empty: Redis wakes this process when there is something. */
  private readonly empty = new Set<string>();
  /** Found empty at any time: there this process may still stand in line. */
  private readonly everEmpty = new Set<string>();
  /** Woken for, and nothing taken yet. */
  private readonly woken = new Set<string>();
  /** Asked for, and woken for since then or not: what wakes comes another way than the answer, which may be older. */
  private readonly asked = new Map<string, boolean>();
  private readonly toUnlock = new Set<string>();
  private session: RedisSession | undefined;
  private takes = 0;

  /** For whoever walks through a queue: asks Redis whatever it said before, and does not wait for more. */
  readonly walked: QueueStore;

  constructor(private readonly host: QueueStoreHost) {
    this.settlements = new Settlements(host, { reconcile: RECONCILE, settle: SETTLE });
    this.walked = {
      interest: () => undefined,
      take: (queue, limit, into) => this.askFor(queue, limit, false, into),
      settle: (taken, how) => this.settle(taken, how),
      written: () => this.written(),
      depth: (queue) => this.depth(queue),
      first: (queue) => this.first(queue),
      lock: (name) => this.lock(name),
      unlock: (name) => this.unlock(name),
    };
  }

  /** Which it waits for, for whoever says so to Redis. */
  get awaited(): readonly string[] {
    return [...this.empty];
  }

  get everAwaited(): readonly string[] {
    return [...this.everEmpty];
  }

  /** See {@link Settlements.reconcile}. */
  reconcile(session: RedisSession): Promise<void> {
    return this.settlements.reconcile(session);
  }

  connected(session: RedisSession): void {
    this.session = session;
    this.settlements.connected(session);
    for (const name of this.toUnlock) void this.unlock(name);
  }

  disconnected(): void {
    this.session = undefined;
    this.settlements.disconnected();
    this.empty.clear();
  }

  /** Redis has given all to others. */
  leaseLost(): void {
    this.settlements.leaseLost();
    this.empty.clear();
    this.toUnlock.clear();
  }

  /** Redis says that there is something. */
  wake(queue: string): void {
    this.empty.delete(queue);
    this.woken.add(queue);
    if (this.asked.has(queue)) this.asked.set(queue, true);
    this.host.ready(queue);
    // Whoever cannot take it now tells the next one, so that it does not wait for nobody.
    setImmediate(() => setImmediate(() => {
      if (this.woken.delete(queue)) this.session?.call(PASS_ON, [queue]).catch(() => undefined);
    }));
  }

  interest(queue: string, consumers: number): void {
    if (consumers === 0) this.empty.delete(queue);
  }

  take(queue: string, limit: number, into: Into): void {
    this.woken.delete(queue);
    if (this.empty.has(queue)) return into([], false);
    this.askFor(queue, limit, true, into);
  }

  settle(message: TakenMessage, how: Settlement): boolean {
    return this.settlements.settle(message as TakenFromRedis, how);
  }

  written(): Promise<void> {
    return this.settlements.written();
  }

  async first(queue: string): Promise<MessageProperties | undefined> {
    const head = await (await this.host.session()).callForBytes<Buffer | null>(FIRST, [queue, MOST_TAKEN_BYTES]);
    return head === null ? undefined : decodeMessage(head, this.host.exchange).properties;
  }

  async depth(queue: string): Promise<number | undefined> {
    const depth = await (await this.host.session()).call<number>(DEPTH, [queue]);
    return depth < 0 ? undefined : depth;
  }

  async purge(queue: string): Promise<number> {
    let removed = 0;
    const waiting = await this.depth(queue) ?? 0;
    while (removed < waiting) {
      const batch = await (await this.host.session()).call<number>(PURGE, [queue, String(Math.min(PURGED_AT_ONCE, waiting - removed))]);
      if (batch === 0) break;
      removed += batch;
    }
    return removed;
  }

  async lock(name: string): Promise<boolean> {
    const session = await this.host.session();
    return await session.call<number>(LOCK, [name, this.host.owner()]) === 1;
  }

  /** What cannot be said now is said with the next connection. */
  async unlock(name: string): Promise<void> {
    this.toUnlock.add(name);
    try {
      await this.session?.call(UNLOCK, [name, this.host.owner()]);
      if (this.session !== undefined) this.toUnlock.delete(name);
    } catch {
      // The connection is gone.
    }
  }

  private askFor(queue: string, limit: number, waits: boolean, into: Into): void {
    const { session } = this;
    if (session === undefined) return into([], false);
    const [owner, take] = [this.host.owner(), String(++this.takes)];
    if (waits) this.asked.set(queue, false);
    session.callForBytes<(Buffer | number)[] | null>(TAKE, [owner, take, queue, String(limit), MOST_TAKEN_BYTES, waits ? '1' : '0']).then((reply) => {
      const woken = waits && this.endAsking(queue);
      if (reply === null) this.host.missed();
      if (reply === null || owner !== this.host.owner()) return into([], false);
      const taken = this.settlements.keep(readTaken(reply, { owner, take }, (by, record) => new TakenFromRedis(by, this.decode(record, queue))));
      const more = reply[0] === 1 || woken;
      if (waits && !more && taken.length < limit) this.foundEmpty(queue);
      into(taken, more);
    }, () => {
      this.asked.delete(queue);
      // Looked at again with the next sign of life, or the next connection.
      if (waits && session === this.session) this.foundEmpty(queue);
      into([], false);
    });
  }

  private endAsking(queue: string): boolean {
    const woken = this.asked.get(queue) === true;
    this.asked.delete(queue);
    return woken;
  }

  private foundEmpty(queue: string): void {
    this.empty.add(queue);
    this.everEmpty.add(queue);
  }

  /** What this library has not written is handed on as it is: it becomes a dead letter as what cannot be read does. */
  private decode(record: Buffer, queue: string): StoredMessage {
    try {
      return decodeMessage(record, this.host.exchange);
    } catch {
      return { body: record, properties: {}, exchange: '', routingKey: queue };
    }
  }
}

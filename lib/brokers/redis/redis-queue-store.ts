import { clock, type ClockTimer } from '../../time/clock.js';
import { within } from '../../time/within.js';
import type { MessageProperties } from '../broker.js';
import type { QueueStore, Settlement, TakenMessage } from '../store/queue-store.js';
import { BatchLine } from '../../redis/batch-line.js';
import { decodeMessage, type StoredMessage } from './message-record.js';
import type { RedisSession } from './redis-session.js';
import { LOCK, RECONCILE, UNLOCK } from './scripts/leases.js';
import { DEPTH, PASS_ON, PURGE, SETTLE, TAKE } from './scripts/take.js';

export interface QueueStoreHost {
  readonly exchange: string;
  /** Under which name this process holds messages now. */
  owner(): string;
  /** Others may think this process dead by now, and have taken over what it holds. */
  isInDoubt(): boolean;
  session(): Promise<RedisSession>;
  /** Messages may wait in this queue. */
  ready(queue: string): void;
  /** What was taken or settled was not ours any more: the lease may be lost. */
  missed(): void;
  warning(message: string): void;
}

const BATCHES = { most: 1_000, mostBytes: Infinity, mostUnderWay: 2 };
/** What one answer may have of messages; one more piece may come on top. */
const MOST_TAKEN_BYTES = '1048576';
const PURGED_AT_ONCE = 1_000;
const WRITTEN_LIMIT_MS = 10_000;
const REFUSED_PAUSE_MS = 1_000;

const HOW: Readonly<Record<Settlement, string>> = { ack: 'a', requeue: 'r', untake: 'u' };

class TakenFromRedis implements TakenMessage {
  readonly order: number;
  readonly redelivered: boolean;
  readonly deliveryCount: number;

  constructor(readonly id: string, readonly take: string, readonly owner: string, private readonly message: StoredMessage, deaths: string) {
    this.order = Number(id);
    this.redelivered = deaths !== '';
    this.deliveryCount = Number(deaths);
  }

  get body(): Buffer { return this.message.body; }
  get properties(): MessageProperties { return this.message.properties; }
  get exchange(): string { return this.message.exchange; }
  get routingKey(): string { return this.message.routingKey; }
}

interface Settling { readonly how: string; readonly taken: TakenFromRedis }

type Into = (taken: readonly TakenMessage[], more: boolean) => void;

/** The queues of one exchange in Redis, as this process takes from them. */
export class RedisQueueStore implements QueueStore {
  /** What this process has in its hands, by number. */
  private readonly held = new Map<string, TakenFromRedis>();
  /** Found empty: Redis wakes this process when there is something. */
  private readonly empty = new Set<string>();
  /** Found empty at any time: there this process may still stand in line. */
  private readonly everEmpty = new Set<string>();
  /** Woken for, and nothing taken yet. */
  private readonly woken = new Set<string>();
  /** Asked for, and woken for since then or not: what wakes comes another way than the answer, which may be older. */
  private readonly asked = new Map<string, boolean>();
  private readonly toUnlock = new Set<string>();
  private readonly settling: BatchLine<Settling>;
  private session: RedisSession | undefined;
  private takes = 0;
  private pause: ClockTimer | undefined;

  /** For whoever walks through a queue: asks Redis whatever it said before, and does not wait for more. */
  readonly walked: QueueStore;

  constructor(private readonly host: QueueStoreHost) {
    this.settling = new BatchLine(BATCHES, { send: (batch) => this.sendSettled(batch), canSend: () => this.session !== undefined && this.pause === undefined, bytesOf: () => 0 });
    this.walked = {
      interest: () => undefined,
      take: (queue, limit, into) => this.askFor(queue, limit, false, into),
      settle: (taken, how) => this.settle(taken, how),
      written: () => this.written(),
      depth: (queue) => this.depth(queue),
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

  /** The lease stands, on this connection. What one side believes and the other does not know is put right. */
  async reconcile(session: RedisSession): Promise<void> {
    // What is settled and not sent yet is still held there.
    const known = [...this.held.values(), ...this.settling.waiting.map(({ taken }) => taken)].flatMap(({ id, take }) => [id, take]);
    for (const id of await session.call<string[]>(RECONCILE, [this.host.owner(), ...known])) this.held.delete(id);
  }

  connected(session: RedisSession): void {
    this.session = session;
    this.settling.schedule();
    for (const name of this.toUnlock) void this.unlock(name);
  }

  disconnected(): void {
    this.session = undefined;
    clock.clear(this.pause);
    this.pause = undefined;
    this.empty.clear();
  }

  /** Redis has given all to others. */
  leaseLost(): void {
    this.held.clear();
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
    const taken = message as TakenFromRedis;
    if (this.held.get(taken.id) !== taken) return false;
    this.held.delete(taken.id);
    this.settling.add({ how: HOW[how], taken });
    return !this.host.isInDoubt();
  }

  async written(): Promise<void> {
    await within(WRITTEN_LIMIT_MS, this.settling.idle());
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
      const taken = this.read(reply, owner, take, queue);
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

  private read(reply: readonly (Buffer | number)[], owner: string, take: string, queue: string): TakenFromRedis[] {
    const found: TakenFromRedis[] = [];
    for (let at = 1; at < reply.length; at += 3) {
      const [id, record, deaths] = reply.slice(at, at + 3) as [Buffer, Buffer, Buffer];
      const taken = new TakenFromRedis(id.toString(), take, owner, this.decode(record, queue), deaths.toString());
      this.held.set(taken.id, taken);
      found.push(taken);
    }
    return found;
  }

  /** What this library has not written is handed on as it is: it becomes a dead letter as what cannot be read does. */
  private decode(record: Buffer, queue: string): StoredMessage {
    try {
      return decodeMessage(record, this.host.exchange);
    } catch {
      return { body: record, properties: {}, exchange: '', routingKey: queue };
    }
  }

  private async sendSettled(batch: readonly Settling[]): Promise<void> {
    const { session } = this;
    const owner = this.host.owner();
    // What an earlier owner held is with others.
    const ours = batch.filter(({ taken }) => taken.owner === owner);
    if (ours.length === 0) return;
    if (session === undefined) throw new Error('not connected');
    try {
      const settled = await session.call<number>(SETTLE, [owner, ...ours.flatMap(({ how, taken }) => [how, taken.id, taken.take])]);
      if (settled < ours.length) this.host.missed();
    } catch (error) {
      if (session === this.session) this.rest(error as Error);
      throw error;
    }
  }

  /** Redis is there and does not want it: it is tried again, not at once. */
  private rest(error: Error): void {
    if (this.pause !== undefined) return;
    this.host.warning(`What was worked off cannot be settled now, and is tried again in ${REFUSED_PAUSE_MS / 1000} s. ${error.message}`);
    this.pause = clock.setTimeout(() => {
      this.pause = undefined;
      this.settling.schedule();
    }, REFUSED_PAUSE_MS);
  }
}

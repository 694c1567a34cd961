import { clock, type ClockTimer } from '../../../time/clock.js';
import { within } from '../../../time/within.js';
import type { MessageProperties } from '../../broker.js';
import type { QueueStore, Settlement, TakenMessage } from '../../store/queue-store.js';
import { BatchLine } from '../../../redis/batch-line.js';
import type { StoredMessage } from '../message-record.js';
import type { RedisSession } from '../redis-session.js';
import type { ForeignPlace } from './foreign-register.js';
import { readBy, type Line } from './peer.js';
import { FOREIGN_DEPTH, FOREIGN_RECONCILE, FOREIGN_SETTLE, FOREIGN_TAKE, FOREIGN_UNIQUE } from './scripts.js';

export interface ForeignStoreHost {
  owner(): string;
  isInDoubt(): boolean;
  find(queue: string): ForeignPlace | undefined;
  /** Of the tasks that have a handler in this process; of none where nobody consumes it. */
  namesFor(queue: string): readonly string[];
  /** Names this process in the keys of others. */
  readonly pool: string;
  ready(queue: string): void;
  missed(): void;
  warning(message: string): void;
  session(): Promise<RedisSession>;
  lock(name: string): Promise<boolean>;
  unlock(name: string): Promise<void>;
}

const BATCHES = { most: 1_000, mostBytes: Infinity, mostUnderWay: 2 };
const MOST_TAKEN_BYTES = '1048576';
const WRITTEN_LIMIT_MS = 10_000;
const REFUSED_PAUSE_MS = 1_000;
const WARNED_AGAIN_MS = 60_000;
/** Nobody tells us what others add: an empty queue is looked at again after a pause that doubles. */
const FIRST_LOOK_MS = 25;
const LONGEST_LOOK_MS = 200;

const HOW: Readonly<Record<Settlement, string>> = { ack: 'a', requeue: 'r', untake: 'u' };

/** A message of another system that this process holds. */
export class TakenFromPeer implements TakenMessage {
  readonly redelivered: boolean;
  readonly deliveryCount: number;
  readonly order = undefined;

  constructor(readonly id: string, readonly take: string, readonly owner: string, readonly queue: string, readonly element: Buffer, private message: StoredMessage, deaths: string, readonly since: number) {
    this.redelivered = deaths !== '';
    this.deliveryCount = Number(deaths);
  }

  /** What is settled stays the one that was taken. */
  become(newer: StoredMessage): void {
    this.message = newer;
  }

  get body(): Buffer { return this.message.body; }
  get properties(): MessageProperties { return this.message.properties; }
  get exchange(): string { return this.message.exchange; }
  get routingKey(): string { return this.message.routingKey; }
}

interface Settling { readonly how: string; readonly taken: TakenFromPeer }

type Into = (taken: readonly TakenMessage[], more: boolean) => void;

/** Queues of other systems, as this process takes from them; see `scripts.ts`. */
export class ForeignStore implements QueueStore {
  readonly held = new Map<string, TakenFromPeer>();
  /** Queues that this process has consumers of. */
  readonly consumed = new Set<string>();
  /** By queue: how many were worked off since it was asked last. */
  readonly processed = new Map<string, number>();
  private readonly looks = new Map<string, { pauseMs: number; timer: ClockTimer | undefined }>();
  private readonly warnedAt = new Map<string, number>();
  private readonly settling: BatchLine<Settling>;
  private session: RedisSession | undefined;
  private takes = 0;
  private pause: ClockTimer | undefined;

  /** For whoever walks through a queue: asks whatever was found before, and does not look again by itself. */
  readonly walked: QueueStore;

  constructor(private readonly host: ForeignStoreHost) {
    this.settling = new BatchLine(BATCHES, { send: (batch) => this.sendSettled(batch), canSend: () => this.session !== undefined && this.pause === undefined, bytesOf: () => 0 });
    this.walked = {
      interest: () => undefined, take: (queue, limit, into) => this.askFor(queue, limit, false, into), settle: (taken, how) => this.settle(taken, how),
      written: () => this.written(), depth: (queue) => this.depth(queue), lock: (name) => this.lock(name), unlock: (name) => this.unlock(name),
    };
  }

  /** As `RedisQueueStore.reconcile`. */
  async reconcile(session: RedisSession): Promise<void> {
    const known = [...this.held.values(), ...this.settling.waiting.map(({ taken }) => taken)].flatMap(({ id, take }) => [id, take]);
    for (const id of await session.call<string[]>(FOREIGN_RECONCILE, [this.host.owner(), ...known])) this.held.delete(id);
  }

  connected(session: RedisSession): void {
    this.session = session;
    this.settling.schedule();
  }

  disconnected(): void {
    this.session = undefined;
    clock.clear(this.pause);
    this.pause = undefined;
    for (const { timer } of this.looks.values()) clock.clear(timer);
    this.looks.clear();
  }

  leaseLost(): void {
    this.held.clear();
  }

  interest(queue: string, consumers: number): void {
    if (consumers > 0) this.consumed.add(queue);
    else this.consumed.delete(queue);
  }

  take(queue: string, limit: number, into: Into): void {
    if (this.looks.get(queue)?.timer !== undefined) return into([], false);
    this.askFor(queue, limit, true, (taken, more) => {
      if (taken.length > 0) this.looks.delete(queue);
      if (!more && taken.length < limit) this.lookLater(queue);
      into(taken, more);
    });
  }

  /** Something was added by this process. */
  wake(queue: string): void {
    clock.clear(this.looks.get(queue)?.timer);
    this.looks.delete(queue);
    this.host.ready(queue);
  }

  settle(message: TakenMessage, how: Settlement): boolean {
    const taken = message as TakenFromPeer;
    if (this.held.get(taken.id) !== taken) return false;
    this.held.delete(taken.id);
    if (how === 'ack') this.processed.set(taken.queue, (this.processed.get(taken.queue) ?? 0) + 1);
    this.settling.add({ how: HOW[how], taken });
    return !this.host.isInDoubt();
  }

  async written(): Promise<void> {
    await within(WRITTEN_LIMIT_MS, this.settling.idle());
  }

  async depth(queue: string): Promise<number | undefined> {
    const place = this.host.find(queue);
    return place === undefined ? undefined : (await this.host.session()).call<number>(FOREIGN_DEPTH, this.linesOf(place));
  }

  lock(name: string): Promise<boolean> {
    return this.host.lock(name);
  }

  unlock(name: string): Promise<void> {
    return this.host.unlock(name);
  }

  private askFor(queue: string, limit: number, isConsumed: boolean, into: Into): void {
    const { session } = this;
    const place = this.host.find(queue);
    if (session === undefined || place === undefined) return into([], false);
    const [owner, take] = [this.host.owner(), String(++this.takes)];
    session.callForBytes<(Buffer | number)[] | null>(FOREIGN_TAKE, [owner, take, queue, String(limit), MOST_TAKEN_BYTES, ...this.linesOf(place, isConsumed)]).then(async (reply) => {
      if (reply === null) this.host.missed();
      if (reply === null || owner !== this.host.owner()) return into([], false);
      into(this.keep(await this.begun(session, this.read(reply, { owner, take, queue }, place), place)), reply[0] === 1);
    }).catch((error: unknown) => {
      if (session === this.session) this.warnOf(queue, error as Error);
      into([], false);
    });
  }

  /** Redis is there and refuses: a key that is something else, or that this user may not read. It is looked at again. */
  private warnOf(queue: string, error: Error): void {
    const now = clock.elapsed();
    if (now - (this.warnedAt.get(queue) ?? -Infinity) < WARNED_AGAIN_MS) return;
    this.warnedAt.set(queue, now);
    this.host.warning(`Nothing can be taken from the queue '${queue}', whose keys are another system's. ${error.message}`);
  }

  private lookLater(queue: string): void {
    if (!this.consumed.has(queue) || this.session === undefined) return;
    const pauseMs = Math.min((this.looks.get(queue)?.pauseMs ?? FIRST_LOOK_MS / 2) * 2, LONGEST_LOOK_MS);
    const look = { pauseMs, timer: undefined as ClockTimer | undefined };
    look.timer = clock.setLook(() => {
      look.timer = undefined;
      this.host.ready(queue);
    }, pauseMs);
    this.looks.set(queue, look);
  }

  private read(reply: readonly (Buffer | number)[], { owner, take, queue }: { owner: string; take: string; queue: string }, place: ForeignPlace): TakenFromPeer[] {
    const found: TakenFromPeer[] = [];
    for (let at = 1; at < reply.length; at += 3) {
      const [id, element, deaths] = reply.slice(at, at + 3) as [Buffer, Buffer, Buffer];
      const taken = new TakenFromPeer(id.toString(), take, owner, queue, element, readBy(place.peer, element, place), deaths.toString(), clock.now());
      found.push(taken);
    }
    return found;
  }

  private keep(found: readonly TakenFromPeer[]): readonly TakenFromPeer[] {
    for (const taken of found) this.held.set(taken.id, taken);
    return found;
  }

  /** Unique ones let go of their keys as they begin; where a key has a newer job, that one runs in their place. */
  private async begun(session: RedisSession, found: TakenFromPeer[], place: ForeignPlace): Promise<TakenFromPeer[]> {
    const { peer } = place;
    if (peer.uniqueKeys === undefined || place.isDead) return found;
    const unique = found.flatMap((taken) => keysOf(taken, place).map((key) => ({ taken, key })));
    if (unique.length === 0) return found;
    const kept = await session.callForBytes<Buffer[]>(FOREIGN_UNIQUE, unique.map(({ key }) => key));
    for (const [at, { taken }] of unique.entries()) {
      const newer = kept[at] as Buffer;
      if (newer.length > 1) taken.become(readBy(peer, newer, place));
    }
    return found;
  }

  private linesOf(place: ForeignPlace, isConsumed = false): string[] {
    return place.peer.lines(place).flatMap((line: Line) => {
      if (line.from === 'Z') return [line.from, line.key, line.member ?? '', line.value ?? ''];
      const names = isConsumed ? this.host.namesFor(place.queue) : [];
      return [line.from, line.key, this.host.pool, names.length === 0 ? '' : JSON.stringify(names)];
    });
  }

  private async sendSettled(batch: readonly Settling[]): Promise<void> {
    const { session } = this;
    const owner = this.host.owner();
    const ours = batch.filter(({ taken }) => taken.owner === owner);
    if (ours.length === 0) return;
    if (session === undefined) throw new Error('not connected');
    try {
      const settled = await session.call<number>(FOREIGN_SETTLE, [owner, ...ours.flatMap(({ how, taken }) => [how, taken.id, taken.take])]);
      if (settled < ours.length) this.host.missed();
    } catch (error) {
      if (session === this.session) this.rest(error as Error);
      throw error;
    }
  }

  private rest(error: Error): void {
    if (this.pause !== undefined) return;
    this.host.warning(`What was worked off cannot be settled now, and is tried again in ${REFUSED_PAUSE_MS / 1000} s. ${error.message}`);
    this.pause = clock.setTimeout(() => {
      this.pause = undefined;
      this.settling.schedule();
    }, REFUSED_PAUSE_MS);
  }
}

/** None where it is no job. */
function keysOf({ element }: TakenFromPeer, place: ForeignPlace): readonly string[] {
  try {
    return place.peer.uniqueKeys?.(element, place) ?? [];
  } catch {
    return [];
  }
}

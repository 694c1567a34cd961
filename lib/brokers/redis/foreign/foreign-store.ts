import { clock, type ClockTimer } from '../../../time/clock.js';
import type { QueueStore, Settlement, TakenMessage } from '../../store/queue-store.js';
import type { StoredMessage } from '../message-record.js';
import { MOST_TAKEN_BYTES } from '../redis-queue-store.js';
import type { RedisSession } from '../redis-session.js';
import { HeldMessage, readTaken, Settlements, type SettlementsHost, type Take } from '../settlements.js';
import type { ForeignPlace } from './foreign-register.js';
import { readBy, type Line } from './peer.js';
import { FOREIGN_DEPTH, FOREIGN_RECONCILE, FOREIGN_SETTLE, FOREIGN_TAKE, FOREIGN_UNIQUE } from './scripts.js';

export interface ForeignStoreHost extends SettlementsHost {
  find(queue: string): ForeignPlace | undefined;
  /** Of the tasks that have a handler in this process; of none where nobody consumes it. */
  namesFor(queue: string): readonly string[];
  /** Names this process in the keys of others. */
  readonly pool: string;
  ready(queue: string): void;
  session(): Promise<RedisSession>;
  lock(name: string): Promise<boolean>;
  unlock(name: string): Promise<void>;
}

const WARNED_AGAIN_MS = 60_000;
/** Nobody tells us what others add: an empty queue is looked at again after a pause that doubles. */
const FIRST_LOOK_MS = 25;
const LONGEST_LOOK_MS = 200;

/** A message of another system that this process holds. */
export class TakenFromPeer extends HeldMessage {
  readonly order = undefined;
  readonly since = clock.now();

  constructor(by: Take, readonly queue: string, readonly element: Buffer, message: StoredMessage) {
    super(by, message);
  }

  /** What is settled stays the one that was taken. */
  become(newer: StoredMessage): void {
    this.message = newer;
  }
}

type Into = (taken: readonly TakenMessage[], more: boolean) => void;

/** Queues of other systems, as this process takes from them; see `scripts.ts`. */
export class ForeignStore implements QueueStore {
  private readonly settlements: Settlements<TakenFromPeer>;
  /** Queues that this process has consumers of. */
  readonly consumed = new Set<string>();
  /** By queue: how many were worked off since it was asked last. */
  readonly processed = new Map<string, number>();
  private readonly looks = new Map<string, { pauseMs: number; timer: ClockTimer | undefined }>();
  private readonly warnedAt = new Map<string, number>();
  private session: RedisSession | undefined;
  private takes = 0;

  /** For whoever walks through a queue: asks whatever was found before, and does not look again by itself. */
  readonly walked: QueueStore;

  constructor(private readonly host: ForeignStoreHost) {
    this.settlements = new Settlements(host, { reconcile: FOREIGN_RECONCILE, settle: FOREIGN_SETTLE });
    this.walked = {
      interest: () => undefined, take: (queue, limit, into) => this.askFor(queue, limit, false, into), settle: (taken, how) => this.settle(taken, how),
      written: () => this.written(), depth: (queue) => this.depth(queue), first: () => this.first(), lock: (name) => this.lock(name), unlock: (name) => this.unlock(name),
    };
  }

  get held(): ReadonlyMap<string, TakenFromPeer> {
    return this.settlements.held;
  }

  /** See {@link Settlements.reconcile}. */
  reconcile(session: RedisSession): Promise<void> {
    return this.settlements.reconcile(session);
  }

  connected(session: RedisSession): void {
    this.session = session;
    this.settlements.connected(session);
  }

  disconnected(): void {
    this.session = undefined;
    this.settlements.disconnected();
    for (const { timer } of this.looks.values()) clock.clear(timer);
    this.looks.clear();
  }

  leaseLost(): void {
    this.settlements.leaseLost();
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
    if (how === 'ack' && this.settlements.holds(taken)) this.processed.set(taken.queue, (this.processed.get(taken.queue) ?? 0) + 1);
    return this.settlements.settle(taken, how);
  }

  written(): Promise<void> {
    return this.settlements.written();
  }

  async depth(queue: string): Promise<number | undefined> {
    const place = this.host.find(queue);
    return place === undefined ? undefined : (await this.host.session()).call<number>(FOREIGN_DEPTH, this.linesOf(place));
  }

  /** Other systems keep what they say of a task in its body. */
  first(): Promise<undefined> {
    return Promise.resolve(undefined);
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
      const found = this.settlements.keep(readTaken(reply, { owner, take }, (by, element) => new TakenFromPeer(by, queue, element, readBy(place.peer, element, place))));
      // Who only looks lets go of nothing.
      if (isConsumed) await this.begun(session, found, place);
      // Meanwhile the lease, and all with it, may have gone to others.
      into(found.filter((taken) => this.settlements.holds(taken)), reply[0] === 1);
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

  /** Unique ones let go of their keys as they begin; where a key has a newer job, that one runs in their place. What cannot ask goes back. */
  private async begun(session: RedisSession, found: readonly TakenFromPeer[], place: ForeignPlace): Promise<void> {
    const { peer } = place;
    if (peer.uniqueKeys === undefined || place.isDead) return;
    const unique = found.flatMap((taken) => keysOf(taken, place).map((key) => ({ taken, key })));
    if (unique.length === 0) return;
    try {
      const kept = await session.callForBytes<Buffer[]>(FOREIGN_UNIQUE, unique.map(({ key }) => key));
      for (const [at, { taken }] of unique.entries()) {
        const newer = kept[at] as Buffer;
        if (newer.length > 1) taken.become(readBy(peer, newer, place));
      }
    } catch (error) {
      for (const taken of found) this.settlements.settle(taken, 'untake');
      throw error;
    }
  }

  private linesOf(place: ForeignPlace, isConsumed = false): string[] {
    return place.peer.lines(place).flatMap((line: Line) => {
      if (line.from === 'Z') return [line.from, line.key, line.member ?? '', line.value ?? ''];
      const names = isConsumed ? this.host.namesFor(place.queue) : [];
      return [line.from, line.key, this.host.pool, names.length === 0 ? '' : JSON.stringify(names)];
    });
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

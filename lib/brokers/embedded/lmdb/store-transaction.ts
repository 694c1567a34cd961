import type { RoutingTable } from '../routing-table.js';
import { queueKey, readyKey } from './keys.js';
import { readCount, readState, writeState, type OwnerRecord, type StateCache, type StateNumbers } from './shared-state.js';
import { numberRecord, type Tables } from './tables.js';

/**
 * One write transaction. It reads the shared numbers once, counts in memory, and writes them once
 * at the end, however many operations it carries. Lives only inside the store's write lock.
 */
export class StoreTransaction {
  /** Queues that have messages waiting which they did not have before. */
  readonly becameReady = new Set<number>();
  private readonly state: StateNumbers;
  private readonly counts = new Map<number, number>();
  private changedRoutes: RoutingTable | undefined;
  private changedOwners = false;
  private changed = false;

  constructor(
    readonly tables: Tables,
    private readonly cache: StateCache,
  ) {
    this.state = readState(tables);
  }

  get routes(): RoutingTable {
    return this.changedRoutes ?? this.cache.routesAt(this.state.topologyVersion);
  }

  /** As they were when the transaction began. */
  get owners(): ReadonlyMap<number, OwnerRecord> {
    return this.cache.ownersAt(this.state.ownersVersion);
  }

  /** Later operations of this transaction see them; the cache only once they are committed. */
  replaceRoutes(routes: RoutingTable): void {
    this.changedRoutes = routes;
    this.changed = true;
  }

  /** To be called before the change: what is cached must not contain what is not committed. */
  ownersWillChange(): void {
    this.cache.ownersAt(this.state.ownersVersion);
    this.changedOwners = true;
    this.changed = true;
  }

  nextOrder(): number {
    this.changed = true;
    return this.state.nextOrder++;
  }

  count(queueId: number): number {
    let count = this.counts.get(queueId);
    if (count === undefined) this.counts.set(queueId, (count = readCount(this.tables, queueId)));
    return count;
  }

  addReady(queueId: number, order: number, record: Buffer): void {
    void this.tables.ready.put(readyKey(queueId, order), record);
    this.counts.set(queueId, this.count(queueId) + 1);
    this.becameReady.add(queueId);
  }

  /** By its key, as a cursor found it. */
  removeReady(queueId: number, key: Buffer): void {
    void this.tables.ready.remove(key);
    this.counts.set(queueId, Math.max(0, this.count(queueId) - 1));
  }

  finish(): void {
    for (const [queueId, count] of this.counts) void this.tables.counts.put(queueKey(queueId), numberRecord(count));
    if (!this.changed) return;
    if (this.changedRoutes !== undefined) this.state.topologyVersion += 1;
    if (this.changedOwners) this.state.ownersVersion += 1;
    writeState(this.tables, this.state);
  }
}

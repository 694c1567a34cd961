import type { Clock } from '../../store/clock.js';
import type { BatchWriter } from './batch-writer.js';
import { RegisterOperation, RetireOperation, UpdateOwnerOperation } from './owner-operations.js';
import { livenessOf, ownIdentity } from './process-identity.js';
import { readState, type OwnerRecord, type StateCache } from './shared-state.js';
import type { Tables } from './tables.js';
import type { WakeFiles } from './wake-files.js';

/** Silence after which a process in another container counts as dead; it gives a sign every five seconds. */
const SILENCE_MS = 30_000;
const SIGN_EVERY_CHECKS = 5;

/**
 * Who has the folder open, and what becomes of those that died: each process stands on record, and
 * each looks after the others.
 */
export class OwnerRegistry {
  /** The number of this process. A new one after it was taken for dead: what it held is then lost to it. */
  owner = 0;
  private readonly process = ownIdentity();
  private readonly consumers: Record<number, number> = {};
  private readonly retiring = new Set<number>();
  private readonly silentSince = new Map<number, number>();
  private checks = 0;

  constructor(
    private readonly tables: Tables,
    private readonly cache: StateCache,
    private readonly writer: BatchWriter,
    private readonly wakeFiles: WakeFiles,
    private readonly clock: Clock,
    private readonly warn: (message: string) => void,
  ) {}

  register(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.writer.add(new RegisterOperation(this.record(), (owner) => this.becomes(owner), settleWith(resolve, reject)));
    });
  }

  /** Gives back what is still held, and goes off the record. */
  retire(): Promise<void> {
    return new Promise((resolve) => {
      this.writer.add(new RetireOperation(this.owner, 'left', () => resolve()));
    });
  }

  setConsumers(queueId: number, count: number): void {
    if (count === 0) delete this.consumers[queueId];
    else this.consumers[queueId] = count;
    this.writer.add(new UpdateOwnerOperation(this.owner, this.record()));
  }

  /** Wakes the other processes that wait for messages of these queues. */
  wakeOthers(queueIds: ReadonlySet<number>): void {
    for (const [owner, { consumers }] of this.all()) {
      if (owner === this.owner) continue;
      for (const queueId of queueIds) {
        if (consumers[queueId] === undefined) continue;
        this.wakeFiles.wake(owner);
        break;
      }
    }
  }

  /** About once a second. Resolves when the dead that were found have been retired. */
  async check(): Promise<void> {
    if (this.checks++ % SIGN_EVERY_CHECKS === 0) this.wakeFiles.signOfLife();
    const all = this.all();
    this.wakeFiles.keepOnly(all);
    const dead = [...all].filter(([owner, record]) => owner !== this.owner && !this.retiring.has(owner) && this.isDead(owner, record));
    await Promise.all(dead.map(([owner, record]) => this.buryOther(owner, record)));
    if (!all.has(this.owner)) await this.registerAgain();
  }

  private all(): ReadonlyMap<number, OwnerRecord> {
    this.tables.root.resetReadTxn();
    return this.cache.ownersAt(readState(this.tables).ownersVersion);
  }

  private record(): OwnerRecord {
    return { process: this.process, consumers: { ...this.consumers } };
  }

  private becomes(owner: number): void {
    this.owner = owner;
    this.wakeFiles.watchAs(owner);
  }

  private async registerAgain(): Promise<void> {
    this.warn('This process was taken for dead by another one (it gave no sign of life for long), and what it held was given to others. It goes on as a new one.');
    await this.register();
  }

  private isDead(owner: number, record: OwnerRecord): boolean {
    const liveness = livenessOf(record.process);
    if (liveness !== 'out-of-sight') return liveness === 'dead';
    const now = this.clock.wall();
    let last = this.wakeFiles.lastSignOfLife(owner) ?? this.silentSince.get(owner);
    if (last === undefined) this.silentSince.set(owner, (last = now));
    return now - last > SILENCE_MS;
  }

  private async buryOther(owner: number, record: OwnerRecord): Promise<void> {
    this.retiring.add(owner);
    await new Promise<void>((resolve) => {
      this.writer.add(new RetireOperation(owner, 'died', (error) => {
        this.retiring.delete(owner);
        if (error === undefined) this.wakeFiles.remove(owner);
        resolve();
      }));
    });
    this.silentSince.delete(owner);
    // What the dead one was reading keeps old pages from being used again.
    this.tables.root.readerCheck();
    this.warn(`Process ${record.process.pid} has ended without closing the embedded broker; what it held was given back.`);
  }
}

function settleWith(resolve: () => void, reject: (error: unknown) => void): (error?: unknown) => void {
  return (error) => (error === undefined ? resolve() : reject(error));
}

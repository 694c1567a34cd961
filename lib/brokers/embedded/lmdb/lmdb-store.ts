import { ShutdownError } from '../../../errors.js';
import type { Address, Message, MessageProperties, Topology } from '../../broker.js';
import type { Clock } from '../../store/clock.js';
import { DueTimer, dueTime } from '../due-timer.js';
import type { MessageStore, StoreListener } from '../message-store.js';
import type { Settlement, TakenMessage } from '../../store/queue-store.js';
import type { RoutingTable } from '../routing-table.js';
import { AwaitedQueues } from './awaited-queues.js';
import { BatchWriter, type WriteOperation } from './batch-writer.js';
import { dueTimeOf } from './keys.js';
import { LmdbBroadcasts } from './lmdb-broadcasts.js';
import { DeclareOperation } from './declare-operation.js';
import { DueOperation, earliestDue, type DueOutcome } from './due-operation.js';
import { LockOperation, UnlockOperation } from './lock-operations.js';
import { OwnerRegistry } from './owner-registry.js';
import { publishOperation } from './publish-operation.js';
import { PurgeOperation } from './purge-operation.js';
import { SettleOperation } from './settle-operation.js';
import { readCount, readState, StateCache } from './shared-state.js';
import { readSignalCount, SignalOperation } from './signal-operation.js';
import type { StoredTaken } from './stored-taken.js';
import { openBrokerFolder, type BrokerFolder, type Tables } from './tables.js';
import { firstProperties, TakeOperation } from './take-operation.js';
import { UntoldMessages } from './untold-messages.js';
import { WaitingBytes } from './waiting-bytes.js';
import { WakeFiles } from './wake-files.js';

export interface LmdbStoreOptions {
  /** Exists, and has no symbolic link in it. */
  readonly folder: string;
  readonly clock: Clock;
  /** How many bytes may wait to be written. */
  readonly maxWaitingBytes: number;
  readonly publishTimeoutMs: number;
}

/** Finds what no wake-up told: messages of other processes, delays that they set. */
const POLL_MS = 500;
/** Every how many polls the other processes are looked after. */
const POLLS_PER_CHECK = 2;

/** Messages in a folder, durable, shared by the processes of one machine. */
export class LmdbStore implements MessageStore {
  broadcasts!: LmdbBroadcasts;
  private folder!: BrokerFolder;
  private tables!: Tables;
  private cache!: StateCache;
  private writer!: BatchWriter;
  private owners!: OwnerRegistry;
  private untold!: UntoldMessages;
  private wakeFiles!: WakeFiles;
  private listener!: StoreListener;
  private readonly timer: DueTimer;
  private awaited!: AwaitedQueues;
  private readonly waiting: WaitingBytes;
  private polls = 0;
  private cancelPoll: (() => void) | undefined;
  private closed = false;

  constructor(private readonly options: LmdbStoreOptions) {
    this.waiting = new WaitingBytes(options.folder, options.maxWaitingBytes);
    this.timer = new DueTimer(options.clock, () => this.releaseDue());
  }

  async open(listener: StoreListener): Promise<void> {
    const { folder, clock } = this.options;
    this.listener = listener;
    this.awaited = new AwaitedQueues(clock, listener);
    this.folder = openBrokerFolder(folder);
    this.tables = this.folder.tables;
    try {
      this.wakeFiles = new WakeFiles(folder, () => this.awaited.wakeAll(), listener.warning);
    } catch (error) {
      await this.folder.close();
      throw this.folder.typed(error);
    }
    this.cache = new StateCache(this.tables);
    this.writer = new BatchWriter(this.folder, this.cache, clock, {
      ready: (queueIds) => this.becameReady(queueIds),
      trouble: listener.trouble,
    });
    this.broadcasts = new LmdbBroadcasts(this.tables, this.writer, clock, () => this.isReadable());
    this.untold = new UntoldMessages(this.tables, this.writer, clock, listener);
    this.owners = new OwnerRegistry(this.tables, this.cache, this.writer, this.wakeFiles, clock, listener.warning);
    await this.start();
  }

  declare(exchange: string, topology: Topology): Promise<void> {
    return new Promise((resolve, reject) => {
      this.writer.add(new DeclareOperation(exchange, topology, resolve, reject));
    });
  }

  publish(exchange: string, message: Message, address: Address, delayMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const { clock, publishTimeoutMs } = this.options;
      const dueAt = delayMs > 0 ? dueTime(clock, delayMs) : 0;
      const operation = publishOperation(exchange, message, address, dueAt, clock.now() + publishTimeoutMs, {
        resolve: () => {
          if (dueAt > 0) this.timer.setAtLatest(dueAt);
          resolve();
        },
        reject,
        done: ({ bytes }) => this.waiting.release(bytes),
      });
      this.waiting.reserve(operation.bytes);
      this.writer.add(operation);
    });
  }

  hasQueue(queue: string): boolean { return this.routes().queue(queue) !== undefined; }

  exchangesOf(queue: string): readonly string[] { return this.routes().exchangesOf(queue); }

  interest(queue: string, consumers: number): void {
    const declared = this.routes().queue(queue);
    if (declared === undefined || this.closed) return;
    this.awaited.setConsumers(declared.id, queue, consumers);
    this.owners.setConsumers(declared.id, consumers);
  }

  take(queue: string, limit: number, into: (taken: readonly TakenMessage[], more: boolean) => void): void {
    const declared = this.routes().queue(queue);
    if (declared === undefined || !this.isReadable() || readCount(this.tables, declared.id) === 0) return into([], false);
    this.writer.add(new TakeOperation(declared.id, limit, this.owners.owner, ({ taken, leftToOthers, more }) => {
      if (leftToOthers) this.awaited.lookAgain(queue);
      into(taken, more);
    }));
  }

  settle(message: TakenMessage, how: Settlement): boolean {
    const taken = message as StoredTaken;
    if (this.closed || taken.owner !== this.owners.owner) return false;
    this.writer.add(new SettleOperation(taken, how));
    return true;
  }

  written(): Promise<void> {
    return this.writer.idle();
  }

  async depth(queue: string): Promise<number | undefined> {
    this.requireReadable();
    const declared = this.routes().queue(queue);
    return declared === undefined ? undefined : readCount(this.tables, declared.id);
  }

  async first(queue: string): Promise<MessageProperties | undefined> {
    this.requireReadable();
    return firstProperties(this.tables, this.routes().queue(queue)?.id);
  }

  async delayedCount(): Promise<number> {
    this.requireReadable();
    this.tables.root.resetReadTxn();
    return (this.tables.delayed.getStats() as { entryCount: number }).entryCount;
  }

  async dueTimes(most: number): Promise<readonly number[]> {
    this.requireReadable();
    this.tables.root.resetReadTxn();
    return [...this.tables.delayed.getKeys({ limit: most })].map((key) => dueTimeOf(key));
  }

  signal(name: string): Promise<void> {
    return this.write<void>((done) => new SignalOperation(name, (error) => done(undefined, error)));
  }

  signalCount(name: string): number | undefined {
    if (!this.isReadable()) return undefined;
    this.tables.root.resetReadTxn();
    return readSignalCount(this.tables, name);
  }

  async purge(queue: string): Promise<number> {
    this.requireReadable();
    const declared = this.routes().queue(queue);
    if (declared === undefined) return 0;
    let removed = 0;
    for (let left = readCount(this.tables, declared.id); left > 0;) {
      const batch = await this.write<number>((done) => new PurgeOperation(declared.id, left, done));
      if (batch === 0) break;
      removed += batch;
      left -= batch;
    }
    return removed;
  }

  lock(name: string): Promise<boolean> {
    return this.write<boolean>((done) => new LockOperation(name, this.owners.owner, done));
  }

  unlock(name: string): Promise<void> {
    // With the store its owner goes off the record, and the lock with it.
    if (this.closed) return Promise.resolve();
    return this.write<void>((done) => new UnlockOperation(name, this.owners.owner, () => done()));
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.timer.stop();
    this.cancelPoll?.();
    await this.owners.retire();
    await this.writer.stop();
    this.wakeFiles.close();
    await this.folder.close();
  }

  private async start(): Promise<void> {
    try {
      await this.owners.register();
      await this.owners.check();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.lookForDelays();
    this.schedulePoll();
  }

  private write<T>(operation: (done: (value: T, error?: Error) => void) => WriteOperation): Promise<T> {
    if (this.closed) return Promise.reject(new ShutdownError('The embedded broker is closing; nothing new is taken.'));
    return new Promise((resolve, reject) => {
      this.writer.add(operation((value, error) => (error === undefined ? resolve(value) : reject(error))));
    });
  }

  private isReadable(): boolean {
    return !this.closed && this.folder.problem === undefined;
  }

  /** @throws what is wrong with the folder */
  private requireReadable(): void {
    const { problem } = this.folder;
    if (problem !== undefined) throw problem;
  }

  private routes(): RoutingTable {
    if (this.folder.problem !== undefined) return this.cache.knownRoutes;
    this.tables.root.resetReadTxn();
    return this.cache.routesAt(readState(this.tables).topologyVersion);
  }

  private becameReady(queueIds: ReadonlySet<number>): void {
    this.awaited.wake(queueIds);
    if (!this.closed) this.owners.wakeOthers(queueIds);
  }

  private schedulePoll(): void {
    if (!this.closed) this.cancelPoll = this.options.clock.after(POLL_MS, () => void this.poll());
  }

  private async poll(): Promise<void> {
    try {
      if (this.folder.check() === undefined) await this.lookAround();
      // Known to all who write, also when nobody writes.
      else this.writer.probe();
    } catch (error) {
      this.listener.warning(this.folder.typed(error).message);
    }
    this.schedulePoll();
  }

  private async lookAround(): Promise<void> {
    this.awaited.wakeAll();
    this.lookForDelays();
    if (++this.polls % POLLS_PER_CHECK === 0) await this.owners.check();
  }

  private lookForDelays(): void {
    this.tables.root.resetReadTxn();
    const due = earliestDue(this.tables);
    if (due !== undefined) this.timer.setAtLatest(due);
  }

  private releaseDue(): void {
    this.writer.add(new DueOperation(this.options.clock.now(), {
      tellerOf: (exchange) => this.listener.tellerOf(exchange),
      isBeingTold: (order) => this.untold.has(order),
      done: (outcome) => this.released(outcome),
    }));
  }

  private released(outcome: DueOutcome | undefined): void {
    // After a failure the poll tries again, in its own time.
    if (outcome === undefined) return;
    for (const warning of outcome.warnings) this.listener.warning(warning);
    for (const { order, key } of outcome.moved) this.untold.moved(order, key);
    if (this.closed) return;
    for (const untold of outcome.untold) void this.untold.tell(untold);
    this.lookForDelays();
  }
}

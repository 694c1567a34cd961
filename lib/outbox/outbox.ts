import { AsyncLocalStorage } from 'node:async_hooks';
import { clock } from '../time/clock.js';
import { ConfigurationError, InvalidTaskError, type KeepTask, type KeptTask } from '../index.js';
import type { RunMiddleware } from '../index.js';
import { laneOf } from './order-keys.js';
import { encodeEntry } from './outbox-entry.js';
import type { CheckedOutboxOptions } from './outbox-options.js';
import { LANES, type OutboxSql } from './sql/outbox-sql.js';
import { outboxTables } from './tables.js';

/** What waits in the outbox. @publicApi */
export interface OutboxLag {
  /** Tasks of committed transactions that are not sent yet. */
  readonly waiting: number;
  /** For how long the oldest of them waits, in seconds. 0: none waits. */
  readonly oldestSeconds: number;
  /** How many of them the broker, or a unique key's store, has refused at least once. */
  readonly failing: number;
}

/** A task that was refused, and is tried again. @publicApi */
export interface FailingTask {
  readonly uuid: string;
  readonly name: string;
  readonly tries: number;
  readonly nextTryAt: Date;
  readonly error: string;
}

interface Scope { readonly transaction: unknown; readonly orderKey: string | undefined }

/**
 * Keeps tasks in the database, in the transaction in which they are published: what is rolled back was never sent, what is
 * committed is sent at least once. Inject it by its class.
 *
 * @publicApi
 */
export class DispatcherOutbox<Transaction = unknown> {
  private readonly scopes = new AsyncLocalStorage<Scope>();

  /** Made by `DispatcherOutboxModule`. */
  constructor(private readonly options: CheckedOutboxOptions, private readonly sql: OutboxSql) {}

  /**
   * Runs the work; whatever it publishes, and does not only begin to, is kept in this transaction. Commit it afterwards.
   *
   * @param orderBy tasks of the same text are sent in the order of their transactions. Default: as `orderBy` of the options says
   */
  within<Result>(transaction: Transaction, work: () => Promise<Result>, { orderBy }: { orderBy?: string } = {}): Promise<Result> {
    if (transaction === undefined || transaction === null) throw new InvalidTaskError('within needs the transaction in which tasks are to be kept; found none.', {});
    return this.scopes.run({ transaction, orderKey: orderBy }, work);
  }

  /**
   * The transaction of a handler with `inbox: true`, or of `within`: work in it.
   *
   * @throws ConfigurationError outside of both
   */
  get transaction(): Transaction {
    const scope = this.scope();
    if (scope !== undefined) return scope.transaction as Transaction;
    throw new ConfigurationError('There is no transaction here. It is there within outbox.within(), and in handlers of @Task(name, { inbox: true }).');
  }

  /** For a gauge, and for people. @throws what the database says */
  async lag(): Promise<OutboxLag> {
    const [row = {}] = await this.options.database.query(this.sql.lag, []);
    const waiting = Number(row.waiting);
    return { waiting, failing: Number(row.failing), oldestSeconds: waiting === 0 ? 0 : Math.max(0, (clock.now() - Number(row.oldest)) / 1000) };
  }

  /** Those that were refused, the oldest first. @throws what the database says */
  async failing(limit = 100): Promise<FailingTask[]> {
    const rows = await this.options.database.query(this.sql.failing, [limit]);
    return rows.map(({ uuid, name, tries, next_try_at: nextTryAt, error }) => ({ uuid: uuid as string, name: name as string, tries: Number(tries), nextTryAt: new Date(Number(nextTryAt)), error: error as string }));
  }

  /** Makes the tables, where they are missing; see `outboxTables` for migrations. @throws what the database says */
  async createTables(): Promise<void> {
    const { database, tablePrefix } = this.options;
    for (const statement of outboxTables(tablePrefix, database.dialect)) await database.query(statement, []);
  }

  /** Part of the extension of the dispatcher. */
  readonly keep = (): KeepTask | undefined => {
    const scope = this.scope();
    return scope === undefined ? undefined : (task) => this.add(scope, task);
  };

  /** Part of the extension of the dispatcher: the uuid is recorded with the effect, or neither is. */
  readonly inbox: RunMiddleware = ({ uuid }, next) => this.options.database.transaction(async (transaction) => {
    if (await this.isFirst(transaction, uuid)) return this.scopes.run({ transaction, orderKey: undefined }, next);
    return undefined;
  });

  /** Who asks at the same time waits for the end of this transaction. */
  private async isFirst(transaction: unknown, uuid: string): Promise<boolean> {
    const { options: { database }, sql: { enter, entered } } = this;
    const rows = await database.queryIn(transaction, enter, [uuid, clock.now()]);
    if (entered === undefined) return rows.length > 0;
    const [row] = await database.queryIn(transaction, entered, []);
    return Number(row?.entered) === 1;
  }

  private scope(): Scope | undefined {
    const scope = this.scopes.getStore();
    if (scope !== undefined) return scope;
    const transaction = this.options.current?.();
    return transaction === undefined ? undefined : { transaction, orderKey: undefined };
  }

  private async add({ transaction, orderKey }: Scope, task: KeptTask): Promise<void> {
    const { uuid, name, args, body } = task;
    const key = orderKey ?? this.options.orderBy?.({ uuid, name, args });
    const lane = key === undefined ? Math.floor(clock.random() * LANES) : laneOf(key, LANES);
    await this.options.database.queryIn(transaction, this.sql.add, [lane, key ?? null, uuid, name, encodeEntry(task), body, clock.now()]);
  }
}

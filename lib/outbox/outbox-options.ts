import { ConfigurationError } from '../index.js';
import type { OutboxDatabase } from './outbox-database.js';

/** A task that is published in a transaction. @publicApi */
export interface OrderedTask {
  readonly uuid: string;
  readonly name: string;
  readonly args: readonly { readonly type: string; readonly value: unknown }[];
}

/** @publicApi */
export interface OutboxOptions<Transaction = unknown> {
  /** Where tasks wait: `pgOutbox(pool)`, `typeOrmOutbox(dataSource)`, ... */
  database: OutboxDatabase<Transaction>;
  /** The dispatcher whose tasks it keeps, where an application has several. Default: `default`. */
  dispatcher?: string;
  /** Whether this process sends what waits, whichever process has published it. Default: true. */
  relay?: boolean;
  /**
   * The transaction that the code which publishes is in, as `@nestjs-cls/transactional` knows it: what is published in it is
   * kept without `within`. `undefined`: there is none. Default: only `within` tells.
   */
  current?: () => Transaction | undefined;
  /** Tasks for which it gives the same text are sent in the order in which they were committed. Default: no order. */
  orderBy?: (task: OrderedTask) => string | undefined;
  /** The names of the tables begin with it. Default: `dispatcher`. */
  tablePrefix?: string;
  /** How often it is looked for tasks of which no notice came, in seconds. Default: 1. */
  pollSeconds?: number;
  /** The most that are taken from the table at a time, from 1 to 10,000. Default: 200. */
  batch?: number;
  /** After so many days the inbox forgets that a task has run. Default: 30. */
  inboxDays?: number;
}

export type CheckedOutboxOptions = Required<Omit<OutboxOptions, 'current' | 'orderBy'>> & Pick<OutboxOptions, 'current' | 'orderBy'>;

const KNOWN: readonly (keyof OutboxOptions)[] = ['database', 'dispatcher', 'relay', 'current', 'orderBy', 'tablePrefix', 'pollSeconds', 'batch', 'inboxDays'];
const EXAMPLE = 'DispatcherOutboxModule.forRoot({ database: pgOutbox(pool) })';

/** @throws ConfigurationError for what cannot work */
export function checkOutboxOptions<Transaction>(options: OutboxOptions<Transaction>): CheckedOutboxOptions {
  if (typeof options !== 'object' || options === null) throw refusal('database', `DispatcherOutboxModule needs its options: ${EXAMPLE}`);
  const unknown = Object.keys(options).find((name) => !(KNOWN as readonly string[]).includes(name));
  if (unknown !== undefined) throw refusal(unknown, `DispatcherOutboxModule has no option "${unknown}". It has: ${KNOWN.join(', ')}`);
  const { database, dispatcher = 'default', relay = true, current, orderBy, tablePrefix = 'dispatcher', pollSeconds = 1, batch = 200, inboxDays = 30 } = options as OutboxOptions;
  if (!isDatabase(database)) throw refusal('database', `database must be an OutboxDatabase, with query, queryIn and transaction. Write ${EXAMPLE}`);
  if (typeof relay !== 'boolean') throw refusal('relay', `relay must be true or false; found ${String(relay)}`);
  for (const [name, value] of Object.entries({ current, orderBy })) {
    if (value !== undefined && typeof value !== 'function') throw refusal(name, `${name} must be a function; found ${typeof value}`);
  }
  checkNumber('pollSeconds', pollSeconds, 0.05, 3_600, false);
  checkNumber('batch', batch, 1, 10_000, true);
  checkNumber('inboxDays', inboxDays, 1 / 24, 3_650, false);
  return { database, dispatcher, relay, tablePrefix, pollSeconds, batch, inboxDays, ...current === undefined ? {} : { current }, ...orderBy === undefined ? {} : { orderBy } };
}

function isDatabase(database: unknown): boolean {
  const { query, queryIn, transaction } = (typeof database === 'object' && database !== null ? database : {}) as Partial<OutboxDatabase<unknown>>;
  return [query, queryIn, transaction].every((each) => typeof each === 'function');
}

function checkNumber(name: string, value: unknown, least: number, most: number, whole: boolean): void {
  if (typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value))) return;
  throw refusal(name, `${name} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}; found ${String(value)}`);
}

function refusal(option: string, text: string): ConfigurationError {
  return new ConfigurationError(`${text}.`, { option });
}

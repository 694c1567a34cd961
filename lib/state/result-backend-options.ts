import type { ConnectionOptions } from 'node:tls';
import type { LedgerOptions } from './amqp/ledger-options.js';

/** How any result backend behaves; all of it may be left out. */
export interface ResultBackendOptions {
  /** Put before every key, so that several applications can share a server. `[A-Za-z0-9_.:-]`, up to 64 characters. Default: `dispatcher:`. */
  keyPrefix?: string;
  /**
   * Keys and values are there as they are given, for other systems that read and write them too: without a prefix, a hash or a
   * mark. `polled`: nobody tells of changes. `pushed`, in Redis: each new value is also published, to the channel that is named
   * as its key, and whoever else writes does so too. For `redis:` and `memcache:`. Default: what is kept is ours alone.
   */
  bare?: 'polled' | 'pushed';
  /** How long `connect()` goes on trying, in milliseconds. Default: 10,000. */
  connectTimeoutMs?: number;
  /** How long one operation may take, waiting for the connection included, in milliseconds. Default: 10,000. */
  operationTimeoutMs?: number;
  /** The pause before the first attempt to reconnect, in milliseconds; it doubles from one to the next. Default: 100. */
  reconnectMinMs?: number;
  /** The longest pause between attempts to reconnect, in milliseconds. Default: 5,000. */
  reconnectMaxMs?: number;
  /** How often an idle connection is asked whether it still works, in milliseconds. Default: 15,000. */
  heartbeatMs?: number;
  /** How many operations may be under way or waiting for the connection; more reject at once. Default: 100,000. */
  maxPendingOperations?: number;
  /** How many bytes of values they may hold together; more reject at once. Default: 256 MiB. */
  maxPendingBytes?: number;
  /** Where the backend cannot push: the shortest pause between two looks at a watched key, in milliseconds. It grows while nothing changes. Default: 20. */
  pollMinMs?: number;
  /** ... and the longest. Default: 1,000. */
  pollMaxMs?: number;
  /** For `amqp:` and `amqps:`, and required there: the dispatcher's exchange, after which the ledger's queue is named. */
  exchange?: string;
  /** For `amqp:` and `amqps:`: how much the ledger holds. */
  ledger?: LedgerOptions;
  /** For `amqps:`, `rediss:`, `mongodb:` with TLS and `memcaches:`: certificates and the like, as for Node's `tls.connect`. */
  tls?: ConnectionOptions;
}

export type CompleteResultBackendOptions = Required<Omit<ResultBackendOptions, 'tls' | 'exchange' | 'ledger' | 'bare'>>;

export const DEFAULT_RESULT_BACKEND_OPTIONS: CompleteResultBackendOptions = {
  keyPrefix: 'dispatcher:',
  connectTimeoutMs: 10_000,
  operationTimeoutMs: 10_000,
  reconnectMinMs: 100,
  reconnectMaxMs: 5_000,
  heartbeatMs: 15_000,
  maxPendingOperations: 100_000,
  maxPendingBytes: 256 * 1024 * 1024,
  pollMinMs: 20,
  pollMaxMs: 1_000,
};

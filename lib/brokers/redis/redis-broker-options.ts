import type { ConnectionOptions } from 'node:tls';
import type { ReconnectionOptions } from '../connection/reconnection-policy.js';

/** How the Redis adapter connects and how much it lets wait. */
export interface RedisBrokerOptions {
  /** `redis://:password@host:6379/0`, `rediss://...` (TLS), `redis+socket://password@/path/to/redis.sock:/0`, or `redis+sentinel://...`. */
  url: string;
  /** All keys are named after it, in one slot of a cluster. */
  exchange: string;
  /** Shown to operators in CLIENT LIST. Default: `dispatcher:<pid>`. */
  connectionName?: string;
  reconnection: ReconnectionOptions;
  /** Handed to Node's TLS as it is (`ca`, `cert`, `key`, `servername`, ...). */
  tls?: ConnectionOptions | undefined;
  /** TLS even though the URL says `redis://`. Default: false. */
  forceTls?: boolean | undefined;
  /** How long TCP, TLS and the first commands may take together. Default: 10,000. */
  connectTimeoutMs?: number;
  publishing?: RedisPublishingOptions;
  /**
   * After so many milliseconds without a sign of life a process is thought to be dead whose connection still seems to stand:
   * frozen, its event loop blocked, or cut off. One whose connection is gone is dead after some 6 seconds. Default: 30,000.
   */
  silentMs?: number;
  /** From 0 to 1, for jitter. Default: the library's clock. */
  random?: () => number;
}

/** Bounds of what is accepted for publishing but not answered yet. */
export interface RedisPublishingOptions {
  /** How many may wait. Default: 200,000. */
  maxWaitingTasks?: number;
  /** How many bytes may wait. Default: 128 MiB. */
  maxWaitingBytes?: number;
  /** How long one publish may take before it rejects. Default: 30,000. */
  maxWaitMs?: number;
}

export type RedisPublishingLimits = Required<RedisPublishingOptions>;

export const DEFAULT_PUBLISHING: RedisPublishingLimits = { maxWaitingTasks: 200_000, maxWaitingBytes: 128 * 1024 * 1024, maxWaitMs: 30_000 };
export const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
export const DEFAULT_SILENT_MS = 30_000;
/** So that all are back before anybody takes over from others: see `lease.ts`. */
export const LONGEST_RECONNECT_PAUSE_MS = 3_000;

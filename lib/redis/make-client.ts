import type { ConnectionOptions } from 'node:tls';
import type { createClient, RedisArgument } from '@redis/client';
import type { RedisDriver } from './load-driver.js';
import { isUnknownScript } from './redis-failure.js';
import type { RedisScript } from './redis-script.js';
import type { RedisEndpoint } from './redis-url.js';

export type RedisClient = ReturnType<typeof createClient>;

export interface ClientSettings {
  readonly connectTimeoutMs: number;
  readonly tls?: ConnectionOptions | undefined;
  /** Shown to operators in CLIENT LIST. Default: none. */
  readonly name?: string;
}

/** Of the driver's own, which takes a timer for each command; the supervisor's is enough. */
const NO_LIMIT = 0;

/**
 * A client of Redis 6 or newer (RESP3: commands and notifications share one connection), not connected yet. The driver's
 * own reconnecting is off: what lies above does that, the same way for every server.
 */
export function makeRedisClient(driver: RedisDriver, endpoint: RedisEndpoint, { connectTimeoutMs, tls: tlsOptions, name }: ClientSettings): RedisClient {
  const { host, port, path, tls, username, password, database } = endpoint;
  const common = { reconnectStrategy: false as const, connectTimeout: connectTimeoutMs };
  const network = { ...common, host: host as string, port: port as number };
  const socket = path !== undefined ? { ...common, path } : tls ? { ...network, ...tlsOptions, tls: true as const } : network;
  return driver.createClient({
    socket, username, password: password?.reveal(), database, name, RESP: 3, disableOfflineQueue: true, maintNotifications: 'disabled', commandOptions: { timeout: NO_LIMIT },
  }) as unknown as RedisClient;
}

/** Another connection to the very same server. */
export async function connectLike(client: RedisClient): Promise<RedisClient> {
  const other = client.duplicate();
  // One without a listener ends the process.
  other.on('error', () => undefined);
  try {
    await other.connect();
    return other;
  } catch (error) {
    destroyClient(other);
    throw error;
  }
}

/** Whatever state it is in. */
export function destroyClient(client: RedisClient | undefined): void {
  try {
    client?.destroy();
  } catch {
    // It was closed already.
  }
}

/** For a command whose texts are to come back as bytes. */
export function answersAsBytes(driver: RedisDriver): object {
  return { typeMapping: { [driver.RESP_TYPES.BLOB_STRING]: Buffer }, timeout: NO_LIMIT };
}

/** The scripts that each connection has sent. */
const sent = new WeakMap<RedisClient, Set<string>>();

/**
 * Calls a script: by its text the first time on a connection, then by its hash, and by its text again where the server has
 * forgotten it. Were it called by its hash at once, a call could be refused and the next one, before which another connection
 * has sent the script, be run first: what was published would change its order. Rejects with the driver's errors.
 */
export async function callScript<T>(client: RedisClient, script: RedisScript, keys: readonly string[], args: readonly RedisArgument[], options: object): Promise<T> {
  const rest = [String(keys.length), ...keys, ...args];
  if (isFirstCall(client, script)) return client.sendCommand<T>(['EVAL', script.text, ...rest], options);
  try {
    return await client.sendCommand<T>(['EVALSHA', script.sha1, ...rest], options);
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return client.sendCommand<T>(['EVAL', script.text, ...rest], options);
  }
}

function isFirstCall(client: RedisClient, { sha1 }: RedisScript): boolean {
  let scripts = sent.get(client);
  if (scripts === undefined) sent.set(client, scripts = new Set());
  if (scripts.has(sha1)) return false;
  scripts.add(sha1);
  return true;
}

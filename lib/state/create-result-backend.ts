import { ConfigurationError } from '../errors.js';
import { AmqpResultStore } from './amqp/amqp-result-store.js';
import { parseEmbeddedResultsUrl } from './embedded/embedded-results-url.js';
import { LmdbResultStore } from './embedded/lmdb/lmdb-result-store.js';
import { MemoryStore } from './embedded/memory-store.js';
import { MemcacheStore } from './memcache/memcache-store.js';
import { parseMemcacheUrl } from './memcache/memcache-url.js';
import { MongoStore } from './mongodb/mongo-store.js';
import { RedisStore } from './redis/redis-store.js';
import { parseRedisUrl } from '../redis/redis-url.js';
import { DEFAULT_RESULT_BACKEND_OPTIONS, type ResultBackendOptions } from './result-backend-options.js';
import type { StateBackend } from './state-backend.js';
import type { ResultStore } from './result-store.js';
import { SupervisedResultBackend } from './supervised/supervised-result-backend.js';

type MakeStore = (url: string, options: ResultBackendOptions, connectTimeoutMs: number) => ResultStore;

const redis: MakeStore = (url, { tls, exchange, bare }, connectTimeoutMs) => new RedisStore(parseRedisUrl(url, exchange === undefined ? 'result backend' : 'broker'), { connectTimeoutMs, tls, exchange, bare });
const memcache: MakeStore = (url, { tls, bare }, connectTimeoutMs) => new MemcacheStore(parseMemcacheUrl(url), { connectTimeoutMs, tls, isBare: bare !== undefined });
const mongodb: MakeStore = (url, { tls }, connectTimeoutMs) => new MongoStore(url, { connectTimeoutMs, tls });

const amqp: MakeStore = (url, { tls, exchange, ledger, operationTimeoutMs }, connectTimeoutMs) =>
  new AmqpResultStore(url, { exchange, ledger, tls, connectTimeoutMs, operationTimeoutMs: operationTimeoutMs ?? DEFAULT_RESULT_BACKEND_OPTIONS.operationTimeoutMs });

const SCHEMES: Readonly<Record<string, MakeStore>> = {
  embedded: (url) => {
    const { folder, name } = parseEmbeddedResultsUrl(url);
    return folder === undefined ? new MemoryStore(name) : new LmdbResultStore(folder);
  },
  amqp, amqps: amqp,
  redis, rediss: redis, 'redis+socket': redis, 'redis+sentinel': redis, 'rediss+sentinel': redis,
  memcache, memcaches: memcache,
  mongodb, 'mongodb+srv': mongodb,
};

/**
 * The result backend that a URL names. Nothing is opened before `connect()`, which also loads the
 * driver: `redis:` needs the package `@redis/client`, `memcache:` needs `memcache-client`, `mongodb:`
 * needs `mongodb`.
 *
 * @param url `embedded:` (in memory), `embedded:#name`, `embedded:./folder`, `amqp://user:password@host/vhost`
 *   (with `options.exchange`), `amqps://...`, `redis://:password@host:6379/0`, `rediss://...`, `redis+socket://password@/path/to/redis.sock:/0`, `memcache://host1,host2:11211`,
 *   `mongodb://host/database`, `mongodb+srv://...`
 * @throws ConfigurationError for any other URL
 */
export function createResultBackend(url: string, options: ResultBackendOptions = {}): StateBackend {
  const scheme = /^([a-z][a-z0-9+]*):/.exec(url)?.[1] ?? '';
  const make = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
  if (make === undefined) {
    // The scheme alone: the rest may hold a password.
    throw new ConfigurationError(
      `There is no result backend for ${scheme === '' ? 'a URL without a scheme' : `"${scheme}:"`}; expected one of ${Object.keys(SCHEMES).map((name) => `${name}:`).join(' ')}.`,
      { scheme });
  }
  return new SupervisedResultBackend(make(url, options, options.connectTimeoutMs ?? DEFAULT_RESULT_BACKEND_OPTIONS.connectTimeoutMs), options);
}

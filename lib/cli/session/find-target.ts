import { existsSync } from 'node:fs';
import { openConnection } from '../../amqp/open-connection.js';
import { withChannel } from '../../amqp/open-channel.js';
import { parseEndpoint } from '../../amqp/endpoint.js';
import { parseEmbeddedUrl } from '../../brokers/embedded/embedded-url.js';
import { keysOf } from '../../redis/hash-tag.js';
import { loadRedisDriver } from '../../redis/load-driver.js';
import { destroyClient, type RedisClient } from '../../redis/make-client.js';
import { openRedis } from '../../redis/open-redis.js';
import { parseRedisUrl } from '../../redis/redis-url.js';
import { Secret } from '../../urls/secret.js';
import { RefusedError, UsageError } from '../failures.js';
import type { Settings } from '../settings/settings.js';

const HEARTBEAT_SECONDS = 15;

/**
 * Refuses what a mistyped name would make: an application that starts makes its exchange, or its folder, but whoever looks
 * must not.
 *
 * @throws RefusedError where there is none, UsageError for the memory of another process
 */
export async function refuseWhatIsNotThere(settings: Settings, signal: AbortSignal): Promise<void> {
  const url = settings.broker.reveal();
  if (/^embedded:/i.test(url)) return refuseFolder(url);
  // Any other scheme is refused by whoever makes brokers.
  if (/^amqps?:/i.test(url)) await refuseExchange(settings, url, signal);
  if (/^redis/i.test(url)) await refuseKeys(settings, url, signal);
}

async function refuseKeys({ exchange, tlsConfig, secureConnection, connectSeconds }: Settings, url: string, signal: AbortSignal): Promise<void> {
  const endpoint = parseRedisUrl(url, 'broker');
  const keys = keysOf(exchange);
  let client: RedisClient | undefined;
  const destroy = (): void => destroyClient(client);
  signal.addEventListener('abort', destroy, { once: true });
  try {
    const driver = await loadRedisDriver('A broker of the form redis:');
    client = await openRedis(driver, { ...endpoint, tls: endpoint.tls || secureConnection }, {
      connectTimeoutMs: connectSeconds * 1000, tls: tlsConfig.reveal(), name: `nestjs-dispatcher:cli:${process.pid}:look`, keys, made: (one) => { client = one; },
    });
    if (await client.sendCommand<number>(['EXISTS', `${keys}queues`]) === 1) return;
  } catch {
    // What keeps it from connecting or asking, the dispatcher tells better.
    return;
  } finally {
    signal.removeEventListener('abort', destroy);
    destroy();
  }
  throw new RefusedError(`There is no exchange "${exchange}" at ${endpoint.display}. Check its name, and the number of the database: an application makes it when it starts.`, { exchange });
}

function refuseFolder(url: string): void {
  const { location } = parseEmbeddedUrl(url);
  if (location === undefined) {
    throw new UsageError('"embedded:" without a folder is the memory of one process, which nobody else can look into. Name the folder that the applications use: embedded:./folder.');
  }
  if (existsSync(location)) return;
  throw new RefusedError(`There is no folder ${location}. Name the one that the applications use, relative to the working folder.`, { folder: location });
}

async function refuseExchange({ exchange, tlsConfig, secureConnection, connectSeconds }: Settings, url: string, signal: AbortSignal): Promise<void> {
  const tls = tlsConfig.reveal();
  const settings = {
    endpoint: parseEndpoint(url, secureConnection || tls !== undefined, HEARTBEAT_SECONDS), name: `nestjs-dispatcher:cli:${process.pid}:look`,
    connectTimeoutMs: connectSeconds * 1000, tls: new Secret(tls),
  };
  const unheard = (): void => undefined;
  // What keeps it from connecting, the dispatcher tells better.
  const model = await openConnection(settings, signal, { lost: unheard, blocked: unheard, unblocked: unheard, warning: unheard }).catch(() => undefined);
  if (model === undefined) return;
  try {
    await withChannel(model, (channel) => channel.checkExchange(exchange));
  } catch (error) {
    if ((error as { code?: unknown }).code !== 404) return;
    throw new RefusedError(`There is no exchange "${exchange}" at ${settings.endpoint.display}. Check its name: an application makes it when it starts.`, { exchange });
  } finally {
    await model.close().catch(unheard);
  }
}

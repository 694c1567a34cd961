import type { RedisDriver } from './load-driver.js';
import { destroyClient, makeRedisClient, type ClientSettings, type RedisClient } from './make-client.js';
import type { HostAndPort, RedisEndpoint } from './redis-url.js';

export interface OpenSettings extends ClientSettings {
  /** What the names of all keys begin with, in braces: in a cluster, the node that has them is connected to. */
  readonly keys?: string | undefined;
  /** Told of each client that is made on the way, before it connects, so that it can be destroyed at any time. */
  made(client: RedisClient): void;
}

type SlotRange = [first: number, last: number, primary: [host: string | null, port: number, id: string]];

/**
 * A connection to the server that an endpoint names: itself, the primary that sentinels know of, or the node of a cluster
 * that has the keys. Rejects with the driver's errors; an 'error' of the client has nobody who listens to it yet.
 */
export async function openRedis(driver: RedisDriver, endpoint: RedisEndpoint, settings: OpenSettings): Promise<RedisClient> {
  if (endpoint.sentinel !== undefined) return connect(driver, await primaryOf(driver, endpoint, settings), settings);
  const { host, port, others = [] } = endpoint;
  return firstThatWorks([{ host, port }, ...others], async (node) => {
    const client = await connect(driver, { ...endpoint, ...node }, settings);
    const place = settings.keys === undefined ? undefined : await placeInCluster(client, settings.keys);
    if (place === undefined) return client;
    destroyClient(client);
    return connect(driver, { ...endpoint, host: place.host === '' ? node.host ?? '' : place.host, port: place.port }, settings);
  });
}

async function connect(driver: RedisDriver, endpoint: RedisEndpoint, settings: OpenSettings): Promise<RedisClient> {
  const client = makeRedisClient(driver, endpoint, settings);
  // One without a listener ends the process.
  client.on('error', () => undefined);
  settings.made(client);
  await client.connect();
  return client;
}

async function primaryOf(driver: RedisDriver, endpoint: RedisEndpoint, settings: OpenSettings): Promise<RedisEndpoint> {
  const { sentinel, tls, display } = endpoint;
  const { primary, hosts } = sentinel as NonNullable<RedisEndpoint['sentinel']>;
  return firstThatWorks(hosts, async ({ host, port }) => {
    const client = await connect(driver, { host, port, tls, database: 0, display }, settings);
    try {
      const found = await client.sendCommand<[string, string] | null>(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primary]);
      if (found === null) throw new Error(`the sentinel at ${host}:${port} knows no primary of the name "${primary}"`);
      return { ...endpoint, host: found[0], port: Number(found[1]) };
    } finally {
      destroyClient(client);
    }
  });
}

/** Where in the cluster the keys are; `undefined` where that is here, or there is no cluster. */
async function placeInCluster(client: RedisClient, keys: string): Promise<HostAndPort | undefined> {
  const info = await client.sendCommand<string>(['INFO', 'server']).catch(() => '');
  if (!/^(redis|server)_mode:cluster/m.test(info)) return undefined;
  const slot = await client.sendCommand<number>(['CLUSTER', 'KEYSLOT', keys]);
  const [own, ranges] = [await client.sendCommand<string>(['CLUSTER', 'MYID']), await client.sendCommand<SlotRange[]>(['CLUSTER', 'SLOTS'])];
  const range = ranges.find(([first, last]) => first <= slot && slot <= last);
  if (range === undefined) throw new Error(`CLUSTERDOWN no node of the cluster has the slot ${slot}`);
  const [host, port, id] = range[2];
  return id === own ? undefined : { host: host ?? '', port };
}

async function firstThatWorks<N, T>(nodes: readonly N[], attempt: (node: N) => Promise<T>): Promise<T> {
  let failure: unknown;
  for (const node of nodes) {
    try {
      return await attempt(node);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

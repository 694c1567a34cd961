import type { RedisDriver } from '../../../redis/load-driver.js';
import { loadRedisDriver } from '../../../redis/load-driver.js';
import { destroyClient, makeRedisClient } from '../../../redis/make-client.js';
import type { RedisEndpoint } from '../../../redis/redis-url.js';
import { type Finding, ok, problem, unknown, warning } from '../finding.js';
import type { Facts, RedisProbe } from './redis-probe.js';

/** How the cluster is, seen from the node that has the keys. */
export async function clusterFindings(probe: RedisProbe, info: Facts): Promise<Finding[]> {
  if (info.get('cluster_enabled') !== '1') return [];
  const check = 'cluster';
  const state = await probe.facts('CLUSTER', 'INFO');
  const [status, nodes, failing] = ['cluster_state', 'cluster_known_nodes', 'cluster_slots_fail'].map((name) => state.get(name) ?? '?') as [string, string, string];
  if (state.size === 0) return [unknown(check, 'This user may not ask for CLUSTER INFO.', 'redis-cli ACL SETUSER USER +cluster|info')];
  if (status !== 'ok') return [problem(check, `The cluster is in state "${status}": ${state.get('cluster_slots_assigned') ?? '?'} of 16384 slots are assigned, ${failing} have no node that serves. Tasks wait.`, 'redis-cli --cluster check HOST:PORT; start the missing nodes, or: redis-cli --cluster fix HOST:PORT')];
  const found = `${nodes} nodes agree; all of this exchange is on this one.`;
  if (info.get('connected_slaves') === '0') return [warning(check, `${found} It has no replica: when it is gone, nothing of the exchange is served until it is back.`, 'redis-cli --cluster add-node NEW:PORT HOST:PORT --cluster-slave --cluster-master-id ID')];
  return [ok(check, found)];
}

/** What each sentinel says: whether it is reached, knows the primary, and could agree on another with the others. */
export async function sentinelFindings({ sentinel, tls, display }: RedisEndpoint, connectTimeoutMs: number): Promise<Finding[]> {
  if (sentinel === undefined) return [];
  const driver = await loadRedisDriver('A broker of the form redis:');
  return Promise.all(sentinel.hosts.map(async ({ host, port }) => {
    const check = `sentinel ${host}:${port}`;
    const quorum = await quorumOf(driver, { host, port, tls, database: 0, display }, sentinel.primary, connectTimeoutMs);
    if (quorum.startsWith('OK')) return ok(check, quorum.replace(/^OK /, '') || 'It knows the primary.');
    if (/^NOQUORUM/.test(quorum)) return problem(check, `${quorum}. Without enough of them nobody is made primary when this one dies.`, `Start the other sentinels: redis-cli -h ${host} -p ${port} SENTINEL SENTINELS ${sentinel.primary}`);
    if (/No such master/i.test(quorum)) return problem(check, `It knows no primary of the name "${sentinel.primary}".`, `redis-cli -h ${host} -p ${port} SENTINEL MASTERS`);
    return warning(check, `It could not be asked: ${quorum}.`, `redis-cli -h ${host} -p ${port} PING. The others are enough, while there are others.`);
  }));
}

async function quorumOf(driver: RedisDriver, endpoint: RedisEndpoint, primary: string, connectTimeoutMs: number): Promise<string> {
  const client = makeRedisClient(driver, endpoint, { connectTimeoutMs });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await client.sendCommand<string>(['SENTINEL', 'CKQUORUM', primary]);
  } catch (error) {
    return (error as Error).message;
  } finally {
    destroyClient(client);
  }
}

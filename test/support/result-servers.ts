import { findMongo, findServer } from '../../scripts/find-result-servers.mjs';
import { MemcachedServer } from './memcached.js';
import { MongoServer } from './mongodb.js';
import { RedisServer } from './redis.js';

export type ResultServerName = 'Redis' | 'MongoDB' | 'memcached';

interface RunningServer {
  readonly url: string;
  stop(): Promise<unknown>;
}

const KINDS: Record<ResultServerName, { missing: () => string | undefined; start: () => Promise<RunningServer> }> = {
  Redis: { missing: () => (findServer('redis-server') === undefined ? 'redis-server' : undefined), start: () => RedisServer.start() },
  MongoDB: { missing: () => (findMongo() === undefined ? 'mongod, nor Java to run its stand-in' : undefined), start: () => MongoServer.start() },
  memcached: { missing: () => (findServer('memcached') === undefined ? 'memcached' : undefined), start: () => MemcachedServer.start() },
};

/** What this machine lacks to run it, where it lacks it; said once more in the output, so that nobody takes it for tested. */
export function isMissing(name: ResultServerName | undefined): boolean {
  const missing = name === undefined ? undefined : KINDS[name].missing();
  if (missing !== undefined) console.error(`NOT TESTED: on ${name}, because this machine has no ${missing}`);
  return missing !== undefined;
}

/** The servers that tests of one file share: each is started when it is first asked for. */
export class ResultServers {
  private readonly running = new Map<ResultServerName, Promise<RunningServer>>();

  async url(name: ResultServerName): Promise<string> {
    let server = this.running.get(name);
    if (server === undefined) this.running.set(name, server = KINDS[name].start());
    return (await server).url;
  }

  async stop(): Promise<void> {
    const servers = await Promise.all(this.running.values());
    this.running.clear();
    await Promise.all(servers.map((server) => server.stop()));
  }
}

import { findServer } from '../../scripts/find-result-servers.mjs';
import { MemcachedServer } from '../support/memcached.js';
import { describeResultBackend } from './result-backend-contract.js';

let memcached: MemcachedServer;
const missing = findServer('memcached') === undefined ? 'memcached' : undefined;

describeResultBackend('memcache:', {
  missing,
  start: async () => (memcached = await MemcachedServer.start()).url,
  stop: () => memcached.stop(),
  server: {
    kill9: () => memcached.server.kill9(), start: () => memcached.server.start(), freeze: () => memcached.server.freeze(), thaw: () => memcached.server.thaw(),
  },
});

let several: MemcachedServer[] = [];
describeResultBackend('memcache: on several servers', {
  missing,
  start: async () => {
    several = await Promise.all([MemcachedServer.start(), MemcachedServer.start(), MemcachedServer.start()]);
    return `memcache://${several.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  },
  stop: async () => { await Promise.all(several.map((server) => server.stop())); },
});

import { findServer } from '../../scripts/find-result-servers.mjs';
import { RedisServer } from '../support/redis.js';
import { describeResultBackend } from './result-backend-contract.js';

let redis: RedisServer;
const missing = findServer('redis-server') === undefined ? 'redis-server' : undefined;

describeResultBackend('redis:', {
  missing,
  start: async () => (redis = await RedisServer.start({ password: 'p@ss:word' })).url.replace(':p@ss:word@', ':p%40ss%3Aword@'),
  stop: () => redis.stop(),
  server: {
    kill9: () => redis.server.kill9(), start: () => redis.server.start(), freeze: () => redis.server.freeze(), thaw: () => redis.server.thaw(),
  },
  keepsAfterKill: true,
});

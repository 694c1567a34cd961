import { afterAll, beforeAll, describe } from 'vitest';
import { RedisBroker } from '../../lib/brokers/redis/redis-broker.js';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { RedisServer } from '../support/redis.js';
import { brokerContract } from './broker-contract.js';

describe.skipIf(findServer('redis-server') === undefined)('on Redis', () => {
  let server: RedisServer;
  beforeAll(async () => { server = await RedisServer.start({ password: 'secret' }); });
  afterAll(() => server.stop());

  // Names are unique, and the server goes as a whole: there is nothing to remove one by one.
  brokerContract('redis', {
    exchange: 'contract', makeBroker: () => new RedisBroker({ url: server.url, exchange: 'contract', reconnection: { retries: 'forever' } }),
    removeQueues: () => Promise.resolve(), replies: 'none',
  }, { outlivesItsObject: true, countsDeaths: true });
});

import { createClient } from '@redis/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ResultBackendRefusedError } from '../../lib/errors.js';
import { createResultBackend } from '../../lib/state/create-result-backend.js';
import type { StateBackend } from '../../lib/state/state-backend.js';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { RedisServer, speaksTls } from '../support/redis.js';
import { formsOf, pathsTo } from '../support/reachable.js';
import { Arrivals, eventually } from '../support/wait.js';
import { describeResultBackend } from './result-backend-contract.js';
import { MINUTE } from './results/fixture.js';

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

describe.skipIf(missing !== undefined)('Redis', () => {
  let server: RedisServer;
  const backends: StateBackend[] = [];
  beforeAll(async () => { server = await RedisServer.start({ password: 'secret' }); });
  afterAll(() => server.stop());
  afterEach(() => Promise.all(backends.splice(0).map((backend) => backend.close(5_000))));

  async function connect(url: string): Promise<StateBackend> {
    const backend = createResultBackend(url);
    backends.push(backend);
    await backend.connect();
    return backend;
  }

  it('is reached by every form of its URL, database by database', async () => {
    const port = String(server.port);
    for (const url of [`redis://:secret@127.0.0.1:${port}/3`, `redis://secret@127.0.0.1:${port}/3`, `redis://default:secret@127.0.0.1:${port}/3`, `redis+socket://secret@${server.socketPath}:/3`]) {
      const backend = await connect(url);
      await backend.setIfAbsent('k', Buffer.from('from the first'), MINUTE);
      expect((await backend.get('k'))?.toString()).toBe('from the first');
    }
    const other = await connect(`redis://:secret@127.0.0.1:${port}/4`);
    expect(await other.get('k')).toBeUndefined();
  });

  it('keeps the notifications of its databases apart', async () => {
    const three = await connect(`redis://:secret@127.0.0.1:${server.port}/5`);
    const four = await connect(`redis://:secret@127.0.0.1:${server.port}/6`);
    const seen = new Arrivals<string>();
    const stop = three.watch('k', (value) => seen.add(value.toString()));
    await three.set('k', Buffer.from('1'), MINUTE);
    await seen.count(1);
    await four.set('k', Buffer.from('other database'), MINUTE);
    await three.set('k', Buffer.from('2'), MINUTE);
    await seen.first((value) => value === '2', 'the second');
    stop();
    expect(seen.all).toEqual(['1', '2']);
  });

  it('shows its password nowhere while it is connected', async () => {
    const backend = await connect(`redis://:secret@127.0.0.1:${server.port}/3`);
    const stop = backend.watch('k', () => undefined);
    await backend.set('k', Buffer.from('v'), MINUTE);
    expect(pathsTo(formsOf('secret'), backend)).toEqual([]);
    stop();
  });

  it.each([['a wrong password', ':wrong@', '/0'], ['no password', '', '/0'], ['a database that is not there', ':secret@', '/99']])('refuses %s at once, in words that hide it', async (_, credentials, path) => {
    const error: unknown = await connect(`redis://${credentials}127.0.0.1:${server.port}${path}`).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ResultBackendRefusedError);
    expect((error as Error).message).not.toMatch(/wrong@|secret/);
  });

  it.skipIf(!speaksTls())('speaks TLS, with certificates that it trusts only', async () => {
    const secure = await RedisServer.start({ tls: true });
    try {
      const error: unknown = await connect(secure.url).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ResultBackendRefusedError);
      expect((error as Error).message).toMatch(/No TLS connection .*certificate/);
      const trusting = createResultBackend(secure.url, { tls: { ca: secure.certificate } });
      backends.push(trusting);
      await trusting.connect();
      await trusting.set('k', Buffer.from('v'), MINUTE);
      expect((await trusting.get('k'))?.toString()).toBe('v');
      await trusting.close(5_000);
    } finally {
      await secure.stop();
    }
  });

  it('holds nothing when all has expired', async () => {
    const backend = await connect(`redis://:secret@127.0.0.1:${server.port}/7`);
    const soon = { expiresInMs: 300 };
    await backend.set('v', Buffer.from('1'), soon);
    await backend.addMember('s', 'm', Buffer.from('1'), soon);
    const client = await createClient({ url: `redis://:secret@127.0.0.1:${server.port}/7` }).connect();
    await eventually(async () => (await client.keys('*')).length, (count) => count === 0, 'the database to be empty');
    await client.close();
  });
});

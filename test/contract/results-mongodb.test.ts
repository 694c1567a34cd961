import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MongoStore } from '../../lib/state/mongodb/mongo-store.js';
import { findMongo } from '../../scripts/find-result-servers.mjs';
import { MongoServer } from '../support/mongodb.js';
import { eventually } from '../support/wait.js';
import { describeResultBackend } from './result-backend-contract.js';

let mongo: MongoServer;
const missing = findMongo() === undefined ? 'mongod, nor Java to run its stand-in' : undefined;

describeResultBackend('mongodb:', {
  missing,
  start: async () => (mongo = await MongoServer.start()).url,
  stop: () => mongo.stop(),
  // It keeps a document and its unique index apart: a kill between the two leaves one of them.
  standInFault: /already existed in H2Collection/,
  server: {
    kill9: () => mongo.server.kill9(), start: () => mongo.server.start(), freeze: () => mongo.server.freeze(), thaw: () => mongo.server.thaw(),
  },
});

describe.skipIf(missing !== undefined)('MongoDB', () => {
  let server: MongoServer;
  let client: MongoClient;
  beforeAll(async () => {
    server = await MongoServer.start();
    client = await new MongoClient(server.url).connect();
  });
  afterAll(async () => {
    await client.close(true);
    await server.stop();
  });
  const listener = { lost: () => undefined, blocked: () => undefined, changed: () => undefined, warning: () => undefined };

  async function documents(): Promise<Record<string, number>> {
    const names = ['dispatcher_results', 'dispatcher_sets', 'dispatcher_members'];
    return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await client.db().collection(name).countDocuments()] as const)));
  }

  it('holds nothing once what has expired, was deleted or was replaced is swept', async () => {
    const store = new MongoStore(server.url, { connectTimeoutMs: 5_000 });
    await store.connect(listener);
    const value = Buffer.from('v');
    await store.set('value', value, 1);
    await store.addMember('set', 'a', value, 1);
    // Expired by now: it is replaced by a set of the same key.
    await eventually(() => store.membersPage('set', 0), ({ members }) => members.length === 0, 'the set to expire');
    expect(await store.addMember('set', 'b', value, 60_000)).toEqual({ count: 1, added: true });
    await store.addMember('deleted', 'a', value, 60_000);
    await store.delete('deleted');
    await store.sweep(new Date(Date.now() + 1000));
    expect(await documents()).toEqual({ dispatcher_results: 0, dispatcher_sets: 1, dispatcher_members: 1 });
    expect(await store.addMember('set', 'b', value, 60_000)).toEqual({ count: 1, added: false });
    await store.delete('set');
    await store.sweep(new Date(Date.now() + 1000));
    expect(await documents()).toEqual({ dispatcher_results: 0, dispatcher_sets: 0, dispatcher_members: 0 });
    await store.close();
  });

  it('asks the server itself to remove expired values', async () => {
    const indexes = await client.db().collection('dispatcher_results').indexes();
    expect(indexes).toContainEqual(expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }));
  });
});

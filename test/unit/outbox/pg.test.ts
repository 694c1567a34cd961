import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { pgOutbox, type PgPool, type PgPoolClient } from '../../../lib/outbox/index.js';

it('a client that is ended as soon as it is connected ends nobody: it has a listener before anybody could ask for it', () => {
  const events = new EventEmitter();
  const pool = Object.assign(events, { query: () => Promise.resolve({ rows: [] }), connect: () => Promise.reject(new Error('not asked for')) }) as unknown as PgPool;
  pgOutbox(pool);
  pgOutbox(pool);
  const client = new EventEmitter();
  events.emit('connect', client as unknown as PgPoolClient);
  expect(client.listenerCount('error')).toBe(1);
  expect(() => client.emit('error', new Error('terminating connection due to unexpected postmaster exit'))).not.toThrow();
});

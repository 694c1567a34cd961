import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBy } from '../../../../lib/brokers/redis/foreign/peer.js';
import { peerOf } from '../../../../lib/brokers/redis/foreign/peers.js';
import type { Peer } from '../../../../lib/brokers/redis/foreign/peer.js';
import type { Format } from '../../../../lib/formats/format.js';
import { Formats } from '../../../../lib/formats/formats.js';
import { gofortFormat } from '../../../../lib/formats/gofort.js';
import { Header } from '../../../../lib/task/headers.js';
import { problemWith } from '../../../../lib/task/argument-types.js';
import type { Task, TaskArgument, TaskHeaders } from '../../../../lib/task/task.js';

const formats = new Formats();
const PEERS = ['sidekiq', 'goworkers', 'gocraft', 'machinery', 'celery', 'celery1'].map((name): [string, Peer, Format] => [name, peerOf(name)!, formats.get(name, 'test')]);
const place = { queue: 'ns:q', isDead: false };
const NOW = 1_795_626_878_900;

const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value, (_key, item: unknown) => (typeof item === 'number' && Math.abs(item) > 2 ** 53 ? 1.5 : item))) as unknown)
  .filter((value) => typeof value === 'object' && value !== null && !Array.isArray(value) && problemWith('json', value) === undefined);
const scalars: fc.Arbitrary<TaskArgument> = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((value): TaskArgument => ({ type: 'string', value })), fc.boolean().map((value): TaskArgument => ({ type: 'bool', value })),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }).map((value): TaskArgument => ({ type: 'int64', value })), fc.maxSafeInteger().map((value): TaskArgument => ({ type: 'int', value })),
);
const argumentsOf = (name: string): fc.Arbitrary<TaskArgument[]> => (name === 'gocraft' ? fc.array(json.map((value): TaskArgument => ({ type: 'json', value })), { maxLength: 1 }) : fc.array(scalars, { maxLength: 5 }));
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
const headers: fc.Arbitrary<TaskHeaders> = fc.dictionary(fc.constantFrom('tenant', Header.workflow, Header.unique, Header.returns), fc.oneof(fc.string(), fc.integer()), { maxKeys: 3 });

describe.each(PEERS)('any task in the keys of %s', (name, peer, format) => {
  const reading = formats.reading(gofortFormat);
  const thereAndBack = (task: Task, isDelayed: boolean): Task => {
    const { body, properties } = format.encode(task);
    const { element } = peer.put({ body, properties }, place, isDelayed, NOW);
    return reading.decode(readBy(peer, Buffer.from(element), place));
  };

  it('comes back as it was, with its headers, whether it waits or not', () => {
    fc.assert(fc.property(text, text, argumentsOf(name), headers, fc.boolean(), (uuid, taskName, args, own, isDelayed) => {
      const task = thereAndBack({ uuid, name: taskName, args, headers: own }, isDelayed);
      expect(task).toMatchObject({ uuid, name: taskName, args: args.map(({ type, value }) => ({ type, value })) });
      for (const [header, value] of Object.entries(own)) expect(task.headers?.[header]).toEqual(value);
    }), { numRuns: 200 });
  });

  it('counts its attempts, and says why the last one failed', () => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 30 }), fc.string({ maxLength: 40 }), (attempt, error) => {
      const history = JSON.stringify([{ attempt: attempt - 1, at: '2026-11-25T17:54:38.765Z', worker: 'w', error }]);
      const task = thereAndBack({ uuid: 'u', name: 'n', args: [], headers: { [Header.attempt]: attempt, [Header.history]: history } }, true);
      expect(task.headers).toMatchObject({ [Header.attempt]: attempt, [Header.history]: history });
    }), { numRuns: 100 });
  });

  it('hands on bytes of every kind', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, isDead) => {
      const element = Buffer.from(bytes);
      expect(readBy(peer, element, { ...place, isDead }).routingKey).toBe('ns:q');
      for (const set of peer.timed(place)) expect(() => set.due(element, NOW)).not.toThrow();
    }), { numRuns: 500 });
  });
});

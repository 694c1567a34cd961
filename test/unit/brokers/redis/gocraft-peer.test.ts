import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../../../lib/brokers/broker.js';
import { gocraftPeer } from '../../../../lib/brokers/redis/foreign/gocraft-peer.js';
import { gocraftPresence } from '../../../../lib/brokers/redis/foreign/gocraft-presence.js';
import { readBy } from '../../../../lib/brokers/redis/foreign/peer.js';
import { InvalidTaskError } from '../../../../lib/errors.js';
import { gocraftFormat } from '../../../../lib/formats/gocraft.js';
import { Header } from '../../../../lib/task/headers.js';
import type { TaskHeaders } from '../../../../lib/task/task.js';
import { GOLDEN } from '../../../support/golden.js';

type Keys = Record<string, { readonly value: unknown }>;
const keys = (file: string): Keys => JSON.parse(readFileSync(join(GOLDEN, 'gocraft', file), 'utf8')) as Keys;
const texts = (value: unknown): string[] => (value as string[]);
const NOW = 1_795_626_922_900;
const ours = { queue: 'it', isDead: false };
const dead = { queue: 'it', isDead: true };
const message = (body: string, headers: TaskHeaders = {}): Message => ({ body: Buffer.from(body), properties: { headers } });

describe('gocraft/work, by the bytes that it has written', () => {
  const enqueued = keys('redis-after-enqueue.json');
  const worked = keys('redis-after-worker.json');
  const [plain] = texts(enqueued['it:jobs:ok']!.value) as [string];

  it('is read, and comes out byte for byte', () => {
    expect(gocraftPeer.lines(ours)).toEqual([{ from: 'G', key: 'it:' }]);
    const read = readBy(gocraftPeer, Buffer.from(plain), ours);
    const task = gocraftFormat.decode(read);
    expect(task).toMatchObject({ name: 'ok', uuid: '56d1f1b7bde59722a8b656f4', hasKwargs: true, headers: { [Header.format]: 'gocraft' } });
    expect(task.args).toEqual([{ type: 'json', value: { b: true, f: 0.1, i: 9007199254740993n, l: [1], n: null, s: 'ünï <&>' } }]);
    expect(gocraftFormat.encode(task).body.toString()).toBe(plain);
    expect(gocraftPeer.put(message(plain), ours, false, NOW)).toEqual({ to: 'L', key: 'it:jobs:ok', element: plain.replace(/"t":\d+/, '"t":1795626922'), known: { key: 'it:known_jobs', member: 'ok' } });
  });

  it('fails as it fails: the entries in its sets of what is retried, scheduled and dead', () => {
    const [[retried]] = worked['it:retry']!.value as [[string]];
    const history = JSON.stringify([{ attempt: 1, at: '2026-11-25T17:15:22.100Z', worker: 'w', error: 'Error: it failed' }]);
    const job = retried.replace(/,"fails".*/, '}');
    const put = gocraftPeer.put(message(job, { [Header.attempt]: 2, [Header.history]: history }), ours, true, NOW);
    const { dispatcher: _, ...written } = JSON.parse(String(put.element)) as Record<string, unknown>;
    expect([put.to, put.key, put.unit, JSON.stringify(written)]).toEqual(['Z', 'it:retry', 'i', retried]);
    expect(readBy(gocraftPeer, Buffer.from(retried), ours).properties.headers).toEqual({ [Header.attempt]: 2, [Header.format]: 'gocraft' });

    const [[scheduled]] = worked['it:scheduled']!.value as [[string]];
    expect(gocraftPeer.put(message(scheduled), ours, true, NOW)).toMatchObject({ to: 'Z', key: 'it:scheduled', element: scheduled });
    expect(gocraftPeer.timed(ours).find(({ key }) => key === 'it:scheduled')?.due(Buffer.from(scheduled), NOW)).toMatchObject({ to: 'L', key: 'it:jobs:ok' });

    const [[died]] = worked['it:dead']!.value as [[string]];
    const grave = gocraftPeer.put(message(died.replace(/,"fails".*/, '}'), { [Header.attempt]: 1, [Header.deadError]: 'Error: it dies', [Header.deadAt]: '2026-11-25T17:15:22.100Z' }), dead, false, NOW);
    const { dispatcher: __, ...corpse } = JSON.parse(String(grave.element)) as Record<string, unknown>;
    expect([grave.key, JSON.stringify(corpse)]).toEqual(['it:dead', died]);
    expect(readBy(gocraftPeer, Buffer.from(died), dead).properties.headers).toEqual({
      [Header.deadReason]: 'failed', [Header.deadError]: 'it dies', [Header.deadQueue]: 'it', [Header.deadAt]: '2026-11-25T17:15:22.000Z', [Header.attempt]: 1, [Header.format]: 'gocraft',
    });
  });

  it('a unique job holds the key that Go has written', () => {
    const [unique] = texts(enqueued['it:jobs:uniq']!.value) as [string];
    expect(gocraftPeer.uniqueKeys?.(Buffer.from(unique), ours)).toEqual(['it:unique:uniq:{"k":1}\n']);
    expect(Object.keys(enqueued)).toContain('it:unique:uniq:{"k":1}\n');
    expect(gocraftPeer.uniqueKeys?.(Buffer.from(plain), ours)).toEqual([]);
    expect(gocraftPeer.uniqueKeys?.(Buffer.from('{"name":"a","id":"b","t":1,"args":{"z":1,"b":"<"},"unique":true}'), ours)).toEqual(['it:unique:a:{"z":1,"b":"<"}\n', 'it:unique:a:{"b":"\\u003c","z":1}\n']);
    expect(gocraftPeer.uniqueKeys?.(Buffer.from('{"name":"a","id":"b","t":1,"args":null,"unique":true}'), ours)).toEqual(['it:unique:a:']);
    expect(gocraftPeer.uniqueKeys?.(Buffer.from('{"name":"a","id":"b","t":1,"args":null,"unique":true,"unique_key":"k"}'), ours)).toEqual(['k']);
  });

  it('shows a pool as its own do', () => {
    const element = Buffer.from(plain);
    const commands = gocraftPresence.beat({ scope: 'it', id: 'd134f3abe555294a7916cb8a', queues: ['it'], names: ['ok', 'fails'], concurrency: 2, nowMs: NOW, startedMs: NOW, held: [{ queue: 'it', element, since: NOW }], processed: 0, failed: 0 });
    const pool = commands.find(([, key]) => key === 'it:worker_pools:d134f3abe555294a7916cb8a') ?? [];
    const fields = Object.fromEntries(Array.from({ length: (pool.length - 2) / 2 }, (_, at) => [pool[2 + at * 2], pool[3 + at * 2]]));
    expect(Object.keys(fields)).toEqual(Object.keys(keys('redis-while-running.json')['it:worker_pools:d134f3abe555294a7916cb8a']!.value as object));
    expect(fields).toMatchObject({ heartbeat_at: '1795626922', job_names: 'fails,ok', concurrency: '2' });
    expect(commands.filter(([name, key]) => name === 'HSET' && key?.startsWith('it:worker:')).map((command) => command.slice(2))).toEqual([
      ['job_name', 'ok', 'job_id', '56d1f1b7bde59722a8b656f4', 'started_at', '1795626922', 'args', '{"b":true,"f":0.1,"i":9007199254740992,"l":[1],"n":null,"s":"ünï <&>"}'],
    ]);
  });

  it('has no arguments by their place', () => {
    expect(() => gocraftFormat.encode({ uuid: 'u', name: 'n', args: [{ type: 'int', value: 1 }] })).toThrow(InvalidTaskError);
  });

  it.each(['', '{}', '{"class":"A","args":[]}', '{"name":"a","args":null}'])('refuses to publish what is no job: %s', (body) => {
    expect(() => gocraftPeer.put(message(body), ours, false, NOW)).toThrow();
  });
});

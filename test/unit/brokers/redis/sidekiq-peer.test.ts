import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../../../lib/brokers/broker.js';
import { goWorkersPeer, sidekiqPeer } from '../../../../lib/brokers/redis/foreign/sidekiq-peer.js';
import { readBy, type Peer } from '../../../../lib/brokers/redis/foreign/peer.js';
import { goWorkersFormat, sidekiqFormat } from '../../../../lib/formats/sidekiq.js';
import type { Format } from '../../../../lib/formats/format.js';
import { Header } from '../../../../lib/task/headers.js';
import type { TaskHeaders } from '../../../../lib/task/task.js';
import { GOLDEN } from '../../../support/golden.js';

type Keys = Record<string, { readonly value: readonly (string | readonly [string, string])[] }>;
const keys = (file: string): Keys => JSON.parse(readFileSync(join(GOLDEN, file), 'utf8')) as Keys;
const NOW = 1_795_626_878_900;
const ours = { queue: 'it', isDead: false };
const dead = { queue: 'it', isDead: true };
const message = (body: string, headers: TaskHeaders = {}): Message => ({ body: Buffer.from(body), properties: { headers } });
const withoutTimes = (text: string): string => text.replaceAll(/"(enqueued|failed|created)_at":([\d.]+|"[^"]+")/g, '"$1_at":0');

describe('Sidekiq, by the bytes that it has written', () => {
  const enqueued = keys('sidekiq/redis-after-enqueue.json');
  const [dies, fails, plain] = enqueued['queue:it']!.value as readonly [string, string, string];
  const worked = keys('sidekiq/redis-after-worker.json');

  it('is taken from the end of its list that its workers take from, and known by class, args and jid', () => {
    expect(sidekiqPeer.lines(ours)).toEqual([{ from: 'R', key: 'queue:it' }]);
    expect(sidekiqPeer.lines({ ...ours, queue: 'a:b:it' })).toEqual([{ from: 'R', key: 'a:b:queue:it' }]);
    const read = readBy(sidekiqPeer, Buffer.from(plain), ours);
    expect(read.body.toString()).toBe(plain);
    expect(read.properties).toEqual({ contentType: 'application/json', messageId: '5c2852c4fc48180fc6a8918a', headers: { [Header.format]: 'sidekiq' } });
    const task = sidekiqFormat.decode(read);
    expect([task.name, task.args.map(({ value }) => value)]).toEqual(['HardWorker', [1, 'ünï <&>', null, true, 0.1, 9007199254740993n, [1], { k: 1 }]]);
    expect(task.arrived?.retry).toMatchObject({ attempts: 6, backoff: 'fixed', delaySeconds: 25, jitter: 0.4 });
    expect(sidekiqFormat.encode(task).body.toString()).toBe(plain);
  });

  it('is pushed as it pushes', () => {
    const put = sidekiqPeer.put(message(plain), ours, false, NOW);
    expect(put).toMatchObject({ to: 'L', key: 'queue:it', known: { key: 'queues', member: 'it' } });
    expect(withoutTimes(String(put.element))).toBe(withoutTimes(plain));
    expect(String(put.element)).toContain('"enqueued_at":1795626878.900');
  });

  it('waits in the schedule as it lets jobs wait', () => {
    const [[scheduled]] = enqueued.schedule!.value as readonly [readonly [string, string]];
    expect(sidekiqPeer.put(message(scheduled), ours, true, NOW)).toEqual({ to: 'Z', key: 'schedule', unit: 's', element: scheduled });
    const [schedule] = sidekiqPeer.timed(ours);
    const due = schedule?.due(Buffer.from(scheduled), NOW);
    expect(due).toMatchObject({ to: 'L', key: 'queue:it', element: `${scheduled.slice(0, -1)},"enqueued_at":1795626878.900}` });
  });

  it('fails as it fails: the entries in its sets of what is retried and dead', () => {
    const history = JSON.stringify([{ attempt: 1, at: '2026-11-25T17:54:38.765Z', worker: 'w', error: 'RuntimeError: it failed' }]);
    const retry = sidekiqPeer.put(message(fails, { [Header.attempt]: 2, [Header.history]: history, [Header.format]: 'sidekiq', [Header.redeliveries]: 0 }), ours, true, NOW);
    const [[retried]] = worked.retry!.value as readonly [readonly [string, string]];
    const { dispatcher, ...job } = JSON.parse(String(retry.element)) as Record<string, unknown>;
    expect(withoutTimes(JSON.stringify(job))).toBe(withoutTimes(retried));
    expect([retry.to, retry.key, dispatcher]).toEqual(['Z', 'retry', { [Header.history]: history, [Header.redeliveries]: 0 }]);
    const back = readBy(sidekiqPeer, Buffer.from(String(retry.element)), ours);
    expect(back.properties.headers).toEqual({ [Header.attempt]: 2, [Header.history]: history, [Header.redeliveries]: 0, [Header.format]: 'sidekiq' });
    expect(sidekiqFormat.decode(back).arrived?.retry).toMatchObject({ attempts: 6, delaySeconds: 36 });

    const died = sidekiqPeer.put(message(dies, { [Header.attempt]: 1, [Header.deadError]: 'RuntimeError: dies', [Header.deadAt]: '2026-11-25T17:54:38.767Z', [Header.deadReason]: 'failed' }), dead, false, NOW);
    const [[buried]] = worked.dead!.value as readonly [readonly [string, string]];
    const { dispatcher: certificate, ...corpse } = JSON.parse(String(died.element)) as Record<string, unknown>;
    const order = (text: string): unknown => Object.fromEntries(Object.entries(JSON.parse(text) as object).sort());
    expect(order(withoutTimes(JSON.stringify(corpse)))).toEqual(order(withoutTimes(buried)));
    expect([died.to, died.key, certificate]).toEqual(['Z', 'dead', { [Header.deadError]: 'RuntimeError: dies', [Header.deadAt]: '2026-11-25T17:54:38.767Z', [Header.deadReason]: 'failed' }]);
    expect(sidekiqPeer.lines(dead)).toEqual([{ from: 'Z', key: 'dead', member: 'queue', value: 'it' }]);
  });

  it('what it has let die says so in our words', () => {
    const [[buried]] = worked.dead!.value as readonly [readonly [string, string]];
    expect(readBy(sidekiqPeer, Buffer.from(buried), dead).properties.headers).toEqual({
      [Header.deadReason]: 'failed', [Header.deadError]: 'RuntimeError: dies', [Header.deadQueue]: 'it', [Header.deadAt]: '2026-11-25T17:14:38.767Z', [Header.attempt]: 1, [Header.format]: 'sidekiq',
    });
  });

  it('a job that its page has revived is no dead letter any more, and one that is replayed here begins anew', () => {
    const revived = readBy(sidekiqPeer, Buffer.from('{"class":"A","args":[],"jid":"j","retry_count":1,"dispatcher":{"x-dispatcher-dead-reason":"failed","tenant":"t"}}'), ours);
    expect(revived.properties.headers).toEqual({ tenant: 't', [Header.attempt]: 3, [Header.format]: 'sidekiq' });
    const replayed = sidekiqPeer.put(message('{"class":"A","args":[],"jid":"j","retry_count":1,"error_message":"e","failed_at":1.5,"created_at":1.5}', { [Header.replays]: 1 }), ours, false, NOW);
    expect(replayed.element).toBe('{"class":"A","args":[],"jid":"j","created_at":1.5,"queue":"it","dispatcher":{"x-dispatcher-replays":1},"enqueued_at":1795626878.900}');
  });

  it.each(['', 'null', '[]', '{}', '{"class":1,"args":[]}', '{"uuid":"u","name":"n","args":[]}'])('refuses to publish what is no job: %s', (body) => {
    expect(() => sidekiqPeer.put(message(body), ours, false, NOW)).toThrow();
  });

  it.each(['', '{', '{"class":"A"}', '{"class":"A","args":[],"dispatcher":7}'])('hands on what it cannot read: %s', (text) => {
    expect(readBy(sidekiqPeer, Buffer.from(text), ours).routingKey).toBe('it');
  });
});

describe('go-workers, by the bytes that it has written', () => {
  const place = { queue: 'ns:it', isDead: false };
  const enqueued = keys('goworkers/redis-after-enqueue.json');
  const [plain, fails] = enqueued['ns:queue:it']!.value as readonly [string, string];
  const task = (peer: Peer, format: Format, text: string) => format.decode(readBy(peer, Buffer.from(text), place));

  it('is read, and pushed to its queue in its namespace', () => {
    expect(goWorkersPeer.lines(place)).toEqual([{ from: 'R', key: 'ns:queue:it' }]);
    expect(task(goWorkersPeer, goWorkersFormat, plain)).toMatchObject({ name: 'HardWorker', uuid: 'cd05daf258291cb712db10a5', headers: { [Header.format]: 'goworkers' }, arrived: { retry: undefined } });
    expect(task(goWorkersPeer, goWorkersFormat, plain).args.map(({ value }) => value)).toEqual([1, 'ünï <&>', null, true, 0.1, 9007199254740993n]);
    expect(task(goWorkersPeer, goWorkersFormat, fails).arrived?.retry).toMatchObject({ attempts: 26, delaySeconds: 45 });
    expect(goWorkersPeer.put(message(plain), place, false, NOW)).toMatchObject({ to: 'R', key: 'ns:queue:it', known: { key: 'ns:queues', member: 'it' } });
  });

  it('is retried as it retries', () => {
    const history = JSON.stringify([{ attempt: 1, at: '2026-11-25T17:34:50.100Z', worker: 'w', error: 'Error: it failed' }]);
    const put = goWorkersPeer.put(message(fails, { [Header.attempt]: 2, [Header.history]: history }), place, true, NOW);
    const [[retried]] = keys('goworkers/redis-after-worker.json')['ns:goretry']!.value as readonly [readonly [string, string]];
    const { dispatcher: _, created_at: __, error_class: ___, ...job } = JSON.parse(String(put.element)) as Record<string, unknown>;
    expect([put.key, job]).toEqual(['ns:goretry', JSON.parse(retried)]);
    const due = goWorkersPeer.timed(place).find(({ key }) => key === 'ns:goretry')?.due(Buffer.from(retried), NOW);
    expect(due).toMatchObject({ to: 'R', key: 'ns:queue:it', known: { key: 'ns:queues', member: 'it' } });
  });
});

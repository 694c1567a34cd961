import { describe, expect, it } from 'vitest';
import type { BrowsedMessage } from '../../../lib/brokers/broker.js';
import { InvalidTaskError, TaskTooLargeError } from '../../../lib/errors.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import { readDeadLetter } from '../../../lib/dead-letters/read-dead-letter.js';
import { replayMessage } from '../../../lib/dead-letters/replay-message.js';
import { Header } from '../../../lib/task/headers.js';
import type { TaskHeaders } from '../../../lib/task/task.js';

const OPTIONS = { format: gofortFormat, maxTaskBytes: 1_000 };

function message(body: string, headers: TaskHeaders = {}, messageId?: string): BrowsedMessage {
  return { body: Buffer.from(body), properties: { headers, messageId }, exchange: '', routingKey: 'q.dead' };
}

const DEATH: TaskHeaders = {
  [Header.attempt]: 3, [Header.deadReason]: 'failed', [Header.deadError]: 'Error: broke', [Header.deadStack]: 'at x', [Header.deadAt]: '2026-01-02T03:04:05.000Z',
  [Header.deadQueue]: 'q', [Header.deadWorker]: 'w', [Header.originExchange]: 'tasks', [Header.originRoutingKey]: 'key',
  [Header.history]: JSON.stringify([{ attempt: 1, at: 'x', worker: 'w', error: 'e' }]), [Header.retry]: '{"attempts":3}', tenant: 'a',
};

describe('readDeadLetter', () => {
  it('reads all that a worker wrote', () => {
    const letter = readDeadLetter(message('{"uuid":"u","name":"n","args":[{"type":"int64","value":5}]}', DEATH), 7, 'q', OPTIONS);
    expect(letter).toMatchObject({
      id: 'u', uuid: 'u', name: 'n', args: [{ type: 'int64', value: 5n }], headers: { tenant: 'a' }, reason: 'failed', error: 'Error: broke', stack: 'at x',
      attempt: 3, replays: 0, at: new Date('2026-01-02T03:04:05.000Z'), queue: 'q', worker: 'w', exchange: 'tasks', routingKey: 'key', position: 7,
    });
    expect(Object.keys(letter.headers)).toEqual(['tenant']);
    expect(letter.history).toEqual([{ attempt: 1, at: 'x', worker: 'w', error: 'e' }]);
    expect(letter.problem).toBeUndefined();
  });

  it.each([
    ['', undefined, undefined], ['{', undefined, undefined], ['{"uuid":"u","name":"n","args":[{"type":"int8","value":999}]}', 'u', 'n'],
    ['{"uuid":5,"name":""}', undefined, undefined], [JSON.stringify('x'.repeat(2_000)), undefined, undefined],
  ])('says what it can of a body that is no task: %.20s', (body, uuid, name) => {
    const letter = readDeadLetter(message(body), 0, 'q', OPTIONS);
    expect([letter.uuid, letter.name, letter.args]).toEqual([uuid, name, undefined]);
    expect(letter).toMatchObject({ reason: 'unknown', attempt: 1, queue: 'q', history: [] });
    expect(letter.body.toString()).toBe(body);
    expect(letter.problem).not.toBe('');
    expect(letter.id).toBe(uuid ?? readDeadLetter(message(body), 3, 'q', OPTIONS).id);
  });

  it('takes the message id where the body has no uuid, and a digest where there is neither', () => {
    expect(readDeadLetter(message('{', {}, 'id-1'), 0, 'q', OPTIONS)).toMatchObject({ id: 'id-1', uuid: 'id-1' });
    const [first, second] = ['{', '['].map((body) => readDeadLetter(message(body), 0, 'q', OPTIONS).id);
    expect(first).toMatch(/^body:[0-9a-f]{32}$/);
    expect(second).not.toBe(first);
  });

  it('understands what RabbitMQ moved itself, and headers that are not what they should be', () => {
    const moved = { 'x-death': [{ reason: 'delivery_limit', exchange: 'tasks', 'routing-keys': ['key'], time: { '!': 'timestamp', value: 1_700_000_000 } }] };
    expect(readDeadLetter(message('{', moved as unknown as TaskHeaders), 0, 'q', OPTIONS))
      .toMatchObject({ reason: 'delivery-limit', exchange: 'tasks', routingKey: 'key', at: new Date(1_700_000_000_000) });
    const odd = { [Header.deadReason]: 'toString', [Header.deadAt]: 'soon', [Header.attempt]: 'x', [Header.history]: '{', 'x-death': ['x', 5] };
    expect(readDeadLetter(message('{', odd), 0, 'q', OPTIONS)).toMatchObject({ reason: 'unknown', at: undefined, attempt: 1, history: [] });
  });
});

describe('replayMessage', () => {
  const original = message('{"uuid":"u","name":"n","args":[{"type":"int","value":1}]}', { ...DEATH, [Header.expires]: 1, [Header.replays]: 1, 'x-delivery-count': 4 }, 'u');
  const letter = readDeadLetter(original, 0, 'q', OPTIONS);

  it('starts anew under the same identity, and says so', () => {
    const { body, properties } = replayMessage(letter, original, undefined, gofortFormat, 1_000);
    expect(body).toEqual(original.body);
    expect(properties.messageId).toBe('u');
    expect(Object.keys(properties.headers ?? {}).sort())
      .toEqual(['tenant', Header.history, Header.originExchange, Header.originRoutingKey, Header.replays, Header.retry].sort());
    expect(properties.headers?.[Header.replays]).toBe(2);
  });

  it('takes other arguments, checked as by a publish', () => {
    const { body, properties } = replayMessage(letter, original, [{ type: 'string', value: 'x' }], gofortFormat, 1_000);
    expect(body.toString()).toBe('{"uuid":"u","name":"n","args":[{"type":"string","value":"x"}]}');
    expect(properties.headers?.[Header.replays]).toBe(2);
    expect(() => replayMessage(letter, original, [{ type: 'int8', value: 300 }], gofortFormat, 1_000)).toThrow(InvalidTaskError);
    expect(() => replayMessage(letter, original, [{ type: 'string', value: 'x'.repeat(2_000) }], gofortFormat, 1_000)).toThrow(TaskTooLargeError);
  });

  it('does not run what has other arguments with those that were left to it in its window', () => {
    const waited = message('{"uuid":"u","name":"n","args":[]}', { [Header.edge]: '{}' }, 'u');
    const edge = (args: [] | undefined) => replayMessage(readDeadLetter(waited, 0, 'q', OPTIONS), waited, args, gofortFormat, 1_000).properties.headers?.[Header.edge];
    expect([edge(undefined), edge([])]).toEqual(['{}', undefined]);
  });

  it('mends arguments that could not be decoded, but gives none to what names no task', () => {
    const bad = message('{"uuid":"u","name":"n","args":[{"type":"int8","value":999}]}');
    const mended = replayMessage(readDeadLetter(bad, 0, 'q', OPTIONS), bad, [{ type: 'int8', value: 9 }], gofortFormat, 1_000);
    expect(gofortFormat.decode(mended)).toMatchObject({ uuid: 'u', name: 'n', args: [{ type: 'int8', value: 9 }] });
    for (const body of ['{', '{"name":"n"}']) {
      const broken = message(body);
      expect(() => replayMessage(readDeadLetter(broken, 0, 'q', OPTIONS), broken, [], gofortFormat, 1_000)).toThrow(/Publish the task that it should be/);
    }
  });
});

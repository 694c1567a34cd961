import type { ConsumeMessage } from 'amqplib';
import { describe, expect, it } from 'vitest';
import { MalformedMessageError, unpack } from '../../../../lib/state/amqp/ledger-frame.js';
import { encodeOperation, type Operation } from '../../../../lib/state/amqp/ledger-operation.js';
import { LedgerOutbox } from '../../../../lib/state/amqp/ledger-outbox.js';
import { decodeReply, type Reply } from '../../../../lib/state/amqp/ledger-reply.js';
import { encodeOperations, laterId, readRequest, REPLIES, REPLY, replyMessages, REQUEST, REQUESTS } from '../../../../lib/state/amqp/ledger-request.js';

const set = (key: string, bytes = 1): Operation => ({ kind: 'set', key, value: Buffer.alloc(bytes) });
const add = (key: string, member: string): Operation => ({ kind: 'addMember', key, member, value: Buffer.from('v') });
const remove = (key: string): Operation => ({ kind: 'delete', key });
const get = (key: string): Operation => ({ kind: 'get', keys: [key] });

function message(type: string, content: Buffer, correlationId?: string): ConsumeMessage {
  return { content, properties: { type, correlationId, replyTo: 'asker' }, fields: { deliveryTag: 7, redelivered: true } } as unknown as ConsumeMessage;
}

describe('a request', () => {
  it('has one thing that is asked, with its name', () => {
    expect(readRequest(message(REQUEST, encodeOperation(get('a')), 'c.4'))).toEqual({ address: 'asker', tag: 7, again: true, operations: [{ id: 'c.4', operation: get('a') }] });
    expect(readRequest(message(REQUEST, encodeOperation(get('a')))).operations).toEqual([{ id: '', operation: get('a') }]);
  });

  it('has several, named from the first on, in their order', () => {
    const { operations } = readRequest(message(REQUESTS, encodeOperations([get('a'), get('b'), get('c')]), 'c.9'));
    expect(operations).toEqual([{ id: 'c.9', operation: get('a') }, { id: 'c.10', operation: get('b') }, { id: 'c.11', operation: get('c') }]);
  });

  it.each([
    ['no bytes', Buffer.alloc(0), 'c.1'],
    ['one that is none among several', encodeOperations([get('a'), { kind: 'no such' } as unknown as Operation]), 'c.1'],
    ['several without a name', encodeOperations([get('a'), get('b')]), undefined],
    ['several whose name is no number', encodeOperations([get('a'), get('b')]), 'c.x'],
  ])('is refused with %s', (_, body, id) => {
    expect(() => readRequest(message(REQUESTS, body, id))).toThrow(MalformedMessageError);
  });

  it('of none is none', () => {
    expect(readRequest(message(REQUESTS, encodeOperations([]), 'c.1')).operations).toEqual([]);
  });
});

describe('laterId', () => {
  it('counts on', () => {
    expect(laterId('a.b.99', 2)).toBe('a.b.101');
  });
});

describe('replyMessages', () => {
  const yes: Reply = { kind: 'answer', yes: true };
  const large: Reply = { kind: 'answer', yes: false, value: Buffer.alloc(600 * 1024, 1) };

  it('is one answer as it always was', () => {
    const [only, ...others] = replyMessages('k', 'c.1', [yes]);
    expect(others).toEqual([]);
    expect({ type: only?.type, id: only?.correlationId, reply: decodeReply(only!.body) }).toEqual({ type: REPLY, id: 'c.1', reply: { keeper: 'k', reply: yes } });
  });

  it('is as many messages as it takes, each named after its first', () => {
    const messages = replyMessages('k', 'c.1', [yes, large, yes, large, large, yes]);
    expect(messages.map(({ type, correlationId, body }) => [type, correlationId, unpack(body).allValues.length])).toEqual([[REPLIES, 'c.1', 3], [REPLIES, 'c.4', 1], [REPLIES, 'c.5', 2]]);
    expect(messages.flatMap(({ body }) => unpack(body).allValues.map((one) => decodeReply(one).reply))).toEqual([yes, large, yes, large, large, yes]);
  });
});

describe('LedgerOutbox', () => {
  function takesAfter(first: readonly Operation[], next: Operation): boolean {
    const outbox = new LedgerOutbox();
    first.forEach((operation, i) => outbox.add(operation, i + 1));
    return outbox.takes(next);
  }

  it.each([
    ['another key', [set('a')], set('b'), true],
    ['the same key', [set('a')], set('a'), false],
    ['the same key in another way', [remove('a')], set('a'), false],
    ['another member of one set', [add('a', '1'), add('a', '2')], add('a', '3'), true],
    ['the same member', [add('a', '1')], add('a', '1'), false],
    ['the whole set after a member', [add('a', '1')], remove('a'), false],
    ['what only looks like the same member', [add('a b', 'c')], add('a', 'b c'), true],
    ['what is read after it was written', [set('a')], get('a'), true],
    ['what is read twice', [get('a')], get('a'), true],
    ['more bytes than go together', [set('a', 200_000)], set('b', 100_000), false],
    ['a large one alone', [], set('a', 1_000_000), true],
  ])('takes with what is there: %s', (_, first, next, isTaken) => {
    expect(takesAfter(first, next)).toBe(isTaken);
  });

  it('takes a member after the whole set has changed only with the next message', () => {
    expect(takesAfter([remove('a')], add('a', '1'))).toBe(false);
  });

  it('gives all at once with the number of the first, and begins anew', () => {
    const outbox = new LedgerOutbox();
    outbox.add(set('a'), 5);
    outbox.add(set('b'), 6);
    expect(outbox.takeAll()).toEqual({ first: 5, operations: [set('a'), set('b')] });
    expect(outbox.size).toBe(0);
    expect(outbox.takes(set('a'))).toBe(true);
  });
});

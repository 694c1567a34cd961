import { describe, expect, it } from 'vitest';
import { MalformedMessageError, pack } from '../../../../lib/state/amqp/ledger-frame.js';
import { decodeReply, encodeReply } from '../../../../lib/state/amqp/ledger-reply.js';

describe('a page of members', () => {
  it('arrives with their values, also empty ones, and with where the next one begins', () => {
    const reply = { kind: 'members' as const, members: [{ member: 'a', value: Buffer.from('1') }, { member: 'b', value: Buffer.alloc(0) }], next: 2 };
    expect(decodeReply(encodeReply({ keeper: 'k', reply }))).toEqual({ keeper: 'k', reply });
  });

  it('is refused where a member has no value', () => {
    const body = pack({ keeper: 'k', kind: 'members', names: ['a', 'b'] }, [Buffer.from('1')]);
    expect(() => decodeReply(body)).toThrow(MalformedMessageError);
  });
});

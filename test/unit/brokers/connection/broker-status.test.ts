import { describe, expect, it } from 'vitest';
import { worstStatus } from '../../../../lib/brokers/connection/broker-status.js';
import { BrokerRefusedError, BrokerUnavailableError } from '../../../../lib/errors.js';

const link = (status: 'idle' | 'connecting' | 'ready' | 'lost' | 'broken' | 'closed', blockedReason?: string) => ({ status, blockedReason, cause: undefined });

describe('worstStatus', () => {
  it.each([
    [link('ready'), link('ready'), 'ready'],
    [link('ready'), link('connecting'), 'connecting'],
    [link('lost'), link('ready'), 'lost'],
    [link('lost'), link('broken'), 'broken'],
    [link('ready', 'low on memory'), link('ready'), 'blocked'],
    [link('ready', 'low on memory'), link('lost'), 'lost'],
    [link('idle'), link('idle'), 'idle'],
  ] as const)('of %o and %o', (one, other, status) => {
    expect(worstStatus([one, other]).status).toBe(status);
  });

  it('gives the cause of the worst', () => {
    const cause = new BrokerUnavailableError('gone');
    expect(worstStatus([link('ready'), { ...link('lost'), cause }])).toEqual({ status: 'lost', cause });
  });

  it('prefers the cause that does not pass by itself', () => {
    const refused = { ...link('lost'), cause: new BrokerRefusedError('password') };
    const away = { ...link('lost'), cause: new BrokerUnavailableError('gone') };
    expect([worstStatus([away, refused]).cause, worstStatus([refused, away]).cause]).toEqual([refused.cause, refused.cause]);
  });
});

import { describe, expect, it } from 'vitest';
import { isOfLedger, removalWarning, removedByServer } from '../../../../../lib/brokers/amqp/delays/removed-by-server.js';
import type { Message } from '../../../../../lib/brokers/broker.js';

const found = (...deaths: unknown[]): Message => ({ body: Buffer.alloc(0), properties: { headers: { 'x-death': deaths as never } } });
const DUE = 'x.delay.v2.due';

describe('what the server has removed by itself', () => {
  it('is known by the queue that it was in last', () => {
    expect(removedByServer(found({ queue: 'q.dead', reason: 'expired' }, { queue: 'q', reason: 'delivery_limit' }), DUE)).toEqual({ queue: 'q.dead', reason: 'expired' });
    expect(removedByServer(found({ queue: DUE, reason: 'expired' }, { queue: 'q.dead', reason: 'expired' }), DUE)).toEqual({ queue: 'q.dead', reason: 'expired' });
  });

  it('is nothing that somebody has published', () => {
    expect(removedByServer(found(), DUE)).toBeUndefined();
    expect(removedByServer(found({ reason: 'expired' }), DUE)).toBeUndefined();
    expect(removedByServer({ body: Buffer.alloc(0), properties: {} }, DUE)).toBeUndefined();
  });

  it.each([['expired', 'message-ttl'], ['delivery_limit', 'delivery-limit'], ['maxlen', 'max-length'], ['new', 'new']])('is told with the policy to look for: %s', (reason, policy) => {
    expect(removalWarning({ queue: 'q.dead', reason }, 'x')).toMatch(new RegExp(`"q.dead".*policy with "${policy}".*brought back`));
  });

  it('is lost where it was of the ledger, and only there', () => {
    expect(removalWarning({ queue: 'x.ledger.v1', reason: 'expired' }, 'x')).toContain('unique keys');
    expect(isOfLedger({ queue: 'x.ledger.v1.dead', reason: 'expired' }, 'x')).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { brokerDeaths, headersToStay } from '../../../lib/task/broker-death.js';
import { Header } from '../../../lib/task/headers.js';
import type { TaskHeaders } from '../../../lib/task/task.js';

const death = (queue: string, reason: string): Record<string, unknown> => ({
  queue, reason, count: 1, exchange: 'e', 'routing-keys': ['key'], time: { '!': 'timestamp', value: 1_700_000_000 },
});
const headers = (...deaths: unknown[]): TaskHeaders => ({ mine: 'x', 'x-delivery-count': 4, 'x-death': deaths } as unknown as TaskHeaders);

describe('what RabbitMQ says of a message that it moved', () => {
  it('is read, the newest first, whatever else stands there', () => {
    expect(brokerDeaths(headers(death('b', 'expired'), null, 5, death('a', 'delivery_limit'), {}))).toEqual([
      { queue: 'b', reason: 'expired', exchange: 'e', routingKey: 'key', at: new Date(1_700_000_000_000) },
      { queue: 'a', reason: 'delivery_limit', exchange: 'e', routingKey: 'key', at: new Date(1_700_000_000_000) },
      { queue: undefined, reason: undefined, exchange: undefined, routingKey: undefined, at: undefined },
    ]);
    expect(brokerDeaths(undefined)).toEqual([]);
    expect(brokerDeaths({ 'x-death': 'text' })).toEqual([]);
  });

  it('does not travel again, but a dead letter goes on saying that it was given up', () => {
    expect(headersToStay(headers(death('q.dead', 'expired'), death('q', 'delivery_limit')), 'q.dead')).toEqual({
      mine: 'x', [Header.deadReason]: 'delivery-limit', [Header.deadAt]: '2023-11-14T22:13:20.000Z', [Header.deadQueue]: 'q',
      [Header.originExchange]: 'e', [Header.originRoutingKey]: 'key',
    });
  });

  it('says nothing where the queue itself gave it up, or we have said why', () => {
    expect(headersToStay(headers(death('q.dead', 'delivery_limit')), 'q.dead')).toEqual({ mine: 'x' });
    const ours = { ...headers(death('q', 'delivery_limit')), [Header.deadReason]: 'failed' };
    expect(headersToStay(ours, 'q.dead')).toEqual({ mine: 'x', [Header.deadReason]: 'failed' });
    expect(headersToStay(undefined, 'q')).toEqual({});
  });
});

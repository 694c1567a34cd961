import { describe, expect, it } from 'vitest';
import { policyFindings } from '../../../lib/cli/doctor/policies.js';
import { consumerTimeoutFinding, versionFinding } from '../../../lib/cli/doctor/server.js';
import { differenceOf } from '../../../lib/cli/doctor/temporary-queues.js';
import { UsageError } from '../../../lib/cli/failures.js';

describe('what the doctor says of a server', () => {
  it.each([
    ['RabbitMQ', '4.1.0', 'ok'], ['RabbitMQ', '3.13.7', 'warning'], ['RabbitMQ', '3.7.28', 'problem'], ['LavinMQ', '2.0.0', 'unknown'],
  ])('%s %s: %s', (product, version, status) => {
    expect(versionFinding({ server: { product, version } }).status).toBe(status);
  });

  it('names what the consumer timeout must be, and whether the longest task is taken over', () => {
    expect(consumerTimeoutFinding(undefined, undefined).todo).toContain('1800000 or more');
    expect(consumerTimeoutFinding(60, 10).found).toContain('ends before that');
    expect(consumerTimeoutFinding(60, 20).found).toContain('is taken over');
    expect(consumerTimeoutFinding(0, undefined).found).toContain('never takes a delivery away');
  });

  it('compares clocks as far as whole seconds can tell', () => {
    expect(differenceOf(10_000, 10_900, 10_950)).toBe(0);
    expect(differenceOf(10_000, 10_100, 10_200)).toBe(0);
    expect(differenceOf(20_000, 10_100, 10_200)).toBe(9_800);
    expect(differenceOf(10_000, 20_000, 20_100)).toBe(-9_000);
  });
});

describe('what the doctor says of policies', () => {
  const policy = (pattern: string, definition: object, more: object = {}): object => ({ name: 'p', vhost: '/', pattern, 'apply-to': 'queues', definition: JSON.stringify(definition), priority: 0, ...more });
  const look = (...policies: object[]): string[] => policyFindings(JSON.stringify(policies), '/', 'tasks', ['orders']).filter(({ status }) => status === 'problem').map(({ found }) => found);

  it('finds those that drop tasks, and those that delete queues', () => {
    expect(look(policy('^orders$', { 'message-ttl': 5 }))).toEqual([expect.stringContaining('has message-ttl 5 for the queue "orders": it drops tasks')]);
    expect(look(policy('^tasks\\.delay', { expires: 5 }))).toEqual(['00', 'near', 'due', 'wheel', 'wheel.0.00'].map((end) => expect.stringContaining(`"tasks.delay.v2.${end}"`) as string));
    expect(look(policy('^orders\\.dead$', { 'max-length': 5 }))).toEqual([]);
  });

  it('leaves alone what does no harm', () => {
    expect(look(policy('^other', { 'max-length': 5 }), policy('.*', { 'ha-mode': 'all' }), policy('.*', { expires: 5 }, { vhost: 'v' }), policy('.*', { expires: 5 }, { 'apply-to': 'exchanges' }))).toEqual([]);
    expect(look(policy('^orders$', { 'max-length': 5, overflow: 'reject-publish' }), policy('^orders$', { 'message-ttl': 5, 'dead-letter-exchange': '' }, { priority: 1 }))).toEqual([]);
  });

  it('takes the one of the highest priority, as the server does', () => {
    expect(look(policy('^orders$', { expires: 5 }), policy('^orders$', {}, { priority: 2 }))).toEqual([]);
  });

  it.each(['', '{}', '[{"pattern":"("}]'])('refuses what is no list of policies: %s', (text) => {
    expect(() => policyFindings(text, '/', 'x', [])).toThrow(UsageError);
  });
});

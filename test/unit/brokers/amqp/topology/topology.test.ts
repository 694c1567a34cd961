import { describe, expect, it } from 'vitest';
import { declarationFailure, differenceIn } from '../../../../../lib/brokers/amqp/topology/declaration-failure.js';
import { queueArguments } from '../../../../../lib/brokers/amqp/topology/queue-arguments.js';
import { parseServerVersion } from '../../../../../lib/brokers/amqp/topology/server-version.js';
import { BrokerRefusedError, BrokerUnavailableError, TopologyMismatchError } from '../../../../../lib/errors.js';

const V3 = { major: 3, minor: 10 };
const V4 = { major: 4, minor: 1 };
const INEQUIVALENT = `Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received '5' but current is '107374182400'"`;

describe('queueArguments', () => {
  it.each([V3, V4])('gives a classic queue none, as gofort declares it (%o)', (version) => {
    expect(queueArguments({ name: 'q' }, version)).toEqual({});
    expect(queueArguments({ name: 'q', type: 'classic', purpose: 'dead-letters' }, version)).toEqual({});
  });

  it('gives a quorum work queue the same on every version', () => {
    const expected = {
      'x-queue-type': 'quorum',
      'x-delivery-limit': 100,
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': 'q.dead',
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    };
    expect([V3, V4].map((version) => queueArguments({ name: 'q', type: 'quorum' }, version))).toEqual([expected, expected]);
  });

  it('never limits deliveries of dead letters: -1 is unlimited from 4.0 and zero before', () => {
    const dead = { name: 'q.dead', type: 'quorum', purpose: 'dead-letters' } as const;
    expect(queueArguments(dead, V3)).toEqual({ 'x-queue-type': 'quorum' });
    expect(queueArguments(dead, V4)).toEqual({ 'x-queue-type': 'quorum', 'x-delivery-limit': -1 });
  });
});

describe('parseServerVersion', () => {
  it.each([
    ['3.10.8', 3, 10],
    ['4.0.5', 4, 0],
    ['4.1.0-beta.3', 4, 1],
    [undefined, 3, 0],
    ['', 3, 0],
  ])('%s', (text, major, minor) => {
    expect(parseServerVersion(text)).toEqual({ major, minor });
  });
});

describe('declarationFailure', () => {
  const coded = (code: number | undefined, message: string): Error => Object.assign(new Error(message), { code });

  it('tells the exact difference of a 406', () => {
    const error = declarationFailure(coded(406, INEQUIVALENT), 'Queue "q"');
    expect(error).toBeInstanceOf(TopologyMismatchError);
    expect(error.fields).toMatchObject({ argument: 'x-message-ttl', received: '5', current: '107374182400' });
    expect(error.message).toContain('x-message-ttl = 107374182400, but 5 was asked for');
  });

  it.each([
    [`inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received none but current is the value 'quorum' of type 'longstr'`, 'none', 'quorum'],
    [`inequivalent arg 'type' for exchange 'e' in vhost '/': received 'direct' but current is 'topic'`, 'direct', 'topic'],
    [`inequivalent arg 'durable' for queue 'it''s' in vhost '/': received 'true' but current is 'false'`, 'true', 'false'],
  ])('reads %s', (text, received, current) => {
    expect(differenceIn(text)).toMatchObject({ received, current });
  });

  it.each([
    [403, BrokerRefusedError],
    [405, BrokerRefusedError],
    [406, TopologyMismatchError],
    [undefined, BrokerUnavailableError],
  ])('%s', (code, type) => {
    expect(declarationFailure(coded(code, 'some text'), 'Queue "q"')).toBeInstanceOf(type);
  });
});

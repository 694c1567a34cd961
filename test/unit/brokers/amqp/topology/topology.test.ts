import { describe, expect, it } from 'vitest';
import type { QueueArguments } from '../../../../../lib/amqp/queue-forms.js';
import type { QueueDeclaration } from '../../../../../lib/brokers/broker.js';
import { declarationFailure, differenceIn } from '../../../../../lib/brokers/amqp/topology/declaration-failure.js';
import { adoptionWarning } from '../../../../../lib/brokers/amqp/topology/adoption.js';
import { queueForms } from '../../../../../lib/brokers/amqp/topology/queue-arguments.js';
import { parseServerVersion } from '../../../../../lib/brokers/amqp/topology/server-version.js';
import { BrokerRefusedError, BrokerUnavailableError, TopologyMismatchError } from '../../../../../lib/errors.js';

const V3 = { major: 3, minor: 10 };
const V4 = { major: 4, minor: 1 };
const INEQUIVALENT = `Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received '5' but current is '107374182400'"`;

describe('queueForms', () => {
  const forms = (queue: Partial<QueueDeclaration>, version = V4): readonly unknown[] => queueForms({ name: 'q', ...queue }, 'x', version);
  const guarded = { 'x-overflow': 'reject-publish', 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'x.delay.v2.due' };
  const [classic, quorum] = [{ 'x-queue-type': 'classic' }, { 'x-queue-type': 'quorum' }];

  it.each([V3, V4])('makes a work queue as gofort does, and takes it as that may have been made (%o)', (version) => {
    expect(forms({}, version)).toEqual([classic, quorum]);
    expect(forms({ type: 'classic' }, version)).toEqual([classic, quorum]);
    expect(forms({ type: 'server-default' }, version)).toEqual([{}, classic, quorum]);
  });

  it('makes a quorum work queue the same on every version, and takes no other', () => {
    const expected = {
      ...quorum, 'x-delivery-limit': 100, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'q.dead',
      'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish',
    };
    expect([V3, V4].map((version) => forms({ type: 'quorum' }, version))).toEqual([[expected], [expected]]);
  });

  it('guards what only we use, and takes it as 0.1.0 has made it', () => {
    for (const type of ['classic', 'server-default'] as const) {
      expect(forms({ purpose: 'dead-letters', type }).slice(0, 3)).toEqual([{ ...classic, ...guarded }, classic, quorum]);
    }
  });

  it.each([V3, V4])('takes a queue of dead letters as whoever came first has made it, worker or not, of whatever type (%o)', (version) => {
    const declarations = (['classic', 'quorum', 'server-default', undefined] as const).flatMap((type) => (['work', 'dead-letters'] as const).map((purpose) => ({ name: 'q.dead', type, purpose })));
    // What a server takes where no type is named is one of the two.
    const made = declarations.flatMap((queue) => (queue.type === 'server-default' && queue.purpose === 'work' ? [classic, quorum] : [forms(queue, version)[0]]));
    for (const queue of declarations) expect(forms(queue, version)).toEqual(expect.arrayContaining(made));
    // Of a worker without a type each is made so that it loses none.
    for (const queue of declarations.filter(({ type }) => type !== 'server-default')) expect(forms(queue, version)[0]).toMatchObject(guarded);
    expect(forms({ name: 'q.dead', type: 'server-default' }, version)[0]).toEqual({});
    expect(forms({ name: '.dead' }, version)).toEqual([classic, quorum]);
  });

  it('takes a queue of dead letters as 0.1.0 made it for a worker of the type quorum', () => {
    const old = { ...quorum, 'x-delivery-limit': 100, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'q.dead.dead', 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' };
    for (const type of ['classic', 'quorum'] as const) expect(forms({ name: 'q.dead', type, purpose: 'dead-letters' })).toContainEqual(old);
  });

  it('never limits deliveries of dead letters: -1 is unlimited from 4.0 and zero before', () => {
    const dead = { type: 'quorum', purpose: 'dead-letters' } as const;
    const made = { ...quorum, ...guarded, 'x-dead-letter-strategy': 'at-least-once' };
    const asClassic = [{ ...classic, ...guarded }, classic, quorum];
    expect(forms(dead, V3)).toEqual([made, quorum, ...asClassic]);
    expect(forms(dead, V4)).toEqual([{ ...made, 'x-delivery-limit': -1 }, { ...quorum, 'x-delivery-limit': -1 }, made, quorum, ...asClassic]);
  });

  it.each<[string, Partial<QueueDeclaration>, object, RegExp | undefined]>([
    ['a work queue as it was asked for', {}, classic, undefined],
    ['a quorum one as it was asked for', { type: 'quorum' }, { ...quorum, 'x-delivery-limit': 100 }, undefined],
    ['another type', {}, quorum, /is a quorum queue, though classic was asked for.*20 times.*"dead-letter-routing-key":"q.dead"/],
    ['what the server takes', { type: 'server-default' }, quorum, /is a quorum queue\. .*"dead-letter-routing-key":"q.dead"/],
    ['dead letters of 0.1.0', { purpose: 'dead-letters' }, classic, undefined],
    ['dead letters of 0.1.0 on another default type', { purpose: 'dead-letters' }, quorum, /default type.*delete it when it is empty/],
    ['quorum dead letters of 0.1.0', { purpose: 'dead-letters', type: 'quorum' }, { ...quorum, 'x-delivery-limit': -1 }, undefined],
    ['dead letters that their worker made quorum', { purpose: 'dead-letters' }, { ...quorum, 'x-dead-letter-strategy': 'at-least-once', 'x-delivery-limit': -1 }, undefined],
    ['a worker of quorum dead letters', { name: 'q.dead' }, { ...quorum, 'x-dead-letter-strategy': 'at-least-once', 'x-delivery-limit': -1 }, undefined],
    ['classic dead letters where quorum was asked for', { purpose: 'dead-letters', type: 'quorum' }, { ...classic, ...guarded }, /is a classic queue, on one node alone, though quorum was asked for.*write type: 'quorum' for all workers/],
    ['classic dead letters that a worker wants quorum', { name: 'q.dead', type: 'quorum' }, classic, /"q\.dead" is a classic queue/],
    ['quorum dead letters of an older server', { purpose: 'dead-letters', type: 'quorum' }, quorum, /by an older server.*20 times/],
  ])('tells what follows from %s', (_case, queue, form, expected) => {
    const warning = adoptionWarning({ name: 'q', ...queue }, form as QueueArguments, V4);
    if (expected === undefined) expect(warning).toBeUndefined();
    else expect(warning).toMatch(expected);
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

import { describe, expect, it } from 'vitest';
import { celeryFormat } from '../../../lib/formats/celery/celery.js';
import type { Format } from '../../../lib/formats/format.js';
import { machineryFormat } from '../../../lib/formats/machinery/machinery.js';
import type { ArgumentType } from '../../../lib/task/argument-types.js';
import type { Task } from '../../../lib/task/task.js';
import { golden } from '../../support/golden.js';

const task = (number: string, name: string, type: ArgumentType, ...values: unknown[]): Task => ({ uuid: number.padStart(12, '0').replace(/^/, '00000000-0000-4000-8000-'), name, args: values.map((value) => ({ type, value })) });
const go = (number: string, name: string, ...values: bigint[]): Task => ({ ...task(number, name, 'int64', ...values), uuid: `task_00000000-0000-4000-8000-${number.padStart(12, '0')}` });
const to = (routingKey: string, replyTo?: string) => (one: Task) => ({ task: one, routingKey, queue: routingKey, replyTo });
const composed = (format: Format, plan: Parameters<NonNullable<Format['compose']>>[0]) => format.compose?.(plan) ?? [];

describe('what begins here is what begins there', () => {
  it('machinery: a chain is its first task, with the rest inside', () => {
    const [sent, ...more] = composed(machineryFormat, { kind: 'chain', group: '', tasks: [go('6', 'add', 1n, 2n), go('7', 'add', 3n), go('8', 'add', 4n)].map(to('mq')) });
    expect(more).toEqual([]);
    // There the keys of what follows are filled in when it is sent.
    const anyKey = (text: string): string => text.replaceAll('"RoutingKey":"mq"', '"RoutingKey":""').replaceAll('"Headers":null', '"Headers":{}');
    expect(anyKey(sent?.message.body.toString() ?? '')).toBe(anyKey(golden('machinery', 'chain-first').body.toString()));
    expect(sent?.routingKey).toBe('mq');
  });

  it('machinery: each member of a chord has the callback', () => {
    const sent = composed(machineryFormat, { kind: 'chord', group: 'group_c35d9d7e-04f2-4c2e-a13d-7ec33601d233', tasks: [go('11', 'add', 1n, 2n), go('12', 'add', 3n, 4n)].map(to('mq')), callback: to('')(go('13', 'sum')) });
    expect(sent.map(({ message }) => message.body.toString())).toEqual(['chord-member-1', 'chord-member-2'].map((name) => golden('machinery', name).body.toString()));
  });

  it('machinery: members of a group say so', () => {
    const sent = composed(machineryFormat, { kind: 'group', group: 'group_1', tasks: [go('1', 'add'), go('2', 'add')].map(to('mq')) });
    expect(sent.map(({ message }) => machineryFormat.decode({ ...message, exchange: '', routingKey: '' }).arrived?.envelope)).toMatchObject([{ GroupUUID: 'group_1', GroupTaskCount: 2, ChordCallback: null }, { GroupUUID: 'group_1', GroupTaskCount: 2 }]);
  });

  it('Celery: a chain is its first task, with the rest inside', () => {
    const written = golden('celery', 'chain-first').body.toString();
    const replyTo = /"reply_to": "([^"]*)"/.exec(written)?.[1];
    const [sent] = composed(celeryFormat, { kind: 'chain', group: '', tasks: [task('4', 'add', 'int', 1, 2), task('5', 'add', 'int', 3), task('6', 'add', 'int', 4)].map(to('cq', replyTo)) });
    expect(sent?.message.body.toString().replaceAll('"queue": "cq", ', '')).toBe(written);
    expect(sent?.message.properties.replyTo).toBe(replyTo);
  });

  it('Celery: each member of a chord has the callback, and its place', () => {
    const sent = composed(celeryFormat, { kind: 'chord', group: 'g', tasks: [task('9', 'add', 'int', 1, 2), task('10', 'add', 'int', 3, 4)].map(to('cq')), callback: to('cq')(task('11', 'xsum', 'int')) });
    const written = golden('celery', 'chord-member-1').body.toString().replace(/"reply_to": "[^"]*", "group_id": "[^"]*"/, '"queue": "cq"');
    expect(sent[0]?.message.body.toString()).toBe(written);
    expect(sent.map(({ message }) => message.properties.headers)).toMatchObject([{ group: 'g', group_index: 0, task: 'add' }, { group: 'g', group_index: 1 }]);
    const member = celeryFormat.decode({ ...(sent[1]?.message as { body: Buffer; properties: object }), exchange: '', routingKey: '' });
    expect(member.arrived).toMatchObject({ unsupported: undefined, needsResults: expect.any(String) as string });
  });
});

import { describe, expect, it } from 'vitest';
import { completeTask } from '../../../lib/task/complete-task.js';
import { Header } from '../../../lib/task/headers.js';
import { decodeOrderLine, encodeOrderLine, lineAfter, lineWith, type OrderLine } from '../../../lib/task/order-line.js';
import { decodeOrderMark } from '../../../lib/task/order-options.js';
import type { TaskInput } from '../../../lib/task/task.js';
import { decodeOrderedTask, encodeOrderedTask, type OrderedTask } from '../../../lib/worker/gates/order/ordered-task.js';

const DEFAULTS = { routingKey: 'key', newUuid: () => 'made', now: () => 0, orderKey: (name: string, text: string) => `${name}|${text}` };
const ARGS = [{ type: 'json' as const, value: { account: 7 } }];
const complete = (input: Partial<TaskInput>) => completeTask({ name: 'a', args: ARGS, ...input }, DEFAULTS);

describe('the line of a task', () => {
  it('is of a key in the arguments, and travels with what lets one of several copies run', () => {
    const { order, headers = {} } = complete({ order: { by: 'account' }, headers: { tenant: 'x' } });
    expect(order).toEqual({ key: 'a|7', token: 'made', onFailure: 'halt' });
    expect(decodeOrderMark(headers[Header.order])).toEqual(order);
    expect(headers).toMatchObject({ tenant: 'x', [Header.once]: 600 });
    expect(complete({ order: { by: () => 'all', onFailure: 'skip' } }).order).toMatchObject({ key: 'a|all', onFailure: 'skip' });
  });

  it('is none where there is no key, or none is wanted', () => {
    for (const order of [undefined, false as const, { by: 'tenant' }]) expect(complete(order === undefined ? {} : { order })).toEqual({ uuid: 'made', name: 'a', args: ARGS, routingKey: 'key' });
    for (const found of [undefined, 5, '', '{}', '{"key":"k","token":5,"onFailure":"halt"}']) expect(decodeOrderMark(found)).toBeUndefined();
  });

  it.each<[object, string]>([
    [{ order: true }, "Task \"a\": order must be an object such as { by: 'account' }, found true."],
    [{ order: {} }, 'Task "a": order.by must be the place of an argument'],
    [{ order: { by: 'account', onFail: 'skip' } }, 'Task "a": order has no option "onFail". Did you mean "onFailure"'],
    [{ order: { by: 'account', onFailure: 'stop' } }, "Task \"a\": order.onFailure must be 'halt' or 'skip'"],
    [{ order: { by: '0' } }, 'Task "a": order.by did not lead to a key'],
    [{ order: { by: 'account' }, delaySeconds: 5 }, 'Task "a": it has order and delaySeconds'],
    [{ order: { by: 'account' }, eta: new Date(200e9) }, 'Task "a": it has order and eta'],
  ])('is refused: %j', (input, text) => {
    expect(() => complete(input as Partial<TaskInput>)).toThrow(text);
  });

  it('is refused beside a window, and of what comes back from the dead letters', () => {
    const edgeKey = (name: string): string => name;
    expect(() => completeTask({ name: 'a', args: ARGS, order: { by: 'account' }, debounce: { waitSeconds: 1 } }, { ...DEFAULTS, edgeKey })).toThrow('it has order and debounce');
    expect(() => completeTask({ name: 'a', args: ARGS, order: { by: 'account' } }, { routingKey: 'key', newUuid: () => 'made', now: () => 0 })).toThrow('cannot be put in order here');
  });
});

describe('what is kept of a line', () => {
  const line: OrderLine = { head: 'a', isSent: true, tail: 'c', link: { from: 'b', to: 'c' }, haltedAt: 5 };
  const task: OrderedTask = { token: 'a', uuid: 'u', name: 'n', routingKeys: ['k'], message: { body: Buffer.from([0, 255]), properties: { messageId: 'u', headers: { x: 1 } } }, next: 'b' };

  it('is read as it was written, and is nothing where other bytes are there', () => {
    expect(decodeOrderLine(encodeOrderLine(line))).toEqual(line);
    expect(decodeOrderedTask(encodeOrderedTask(task))).toEqual(task);
    for (const text of ['', 'null', '{}', '{"head":"a","tail":"b"}', '{"token":"a"}']) expect([decodeOrderLine(Buffer.from(text)), decodeOrderedTask(Buffer.from(text))]).toEqual([undefined, undefined]);
  });

  it('grows behind, and goes on in front', () => {
    expect(lineWith(undefined, 'a', 'b')).toEqual({ head: 'a', isSent: false, tail: 'b' });
    expect(lineWith(line, 'd', 'e')).toEqual({ head: 'a', isSent: true, tail: 'e', link: { from: 'c', to: 'd' }, haltedAt: 5 });
    expect(lineAfter(line, 'b')).toEqual({ head: 'b', isSent: false, tail: 'c' });
    expect(lineAfter({ head: 'c', isSent: true, tail: 'c' }, undefined)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { inferArguments } from '../../../lib/task/argument-form.js';
import { completeTask } from '../../../lib/task/complete-task.js';
import type { TaskInput } from '../../../lib/task/task.js';

const defaults = { routingKey: 'default', newUuid: () => 'new-uuid', now: () => 1_000_000_000_000 };
const complete = (input: unknown): unknown => completeTask(input as TaskInput, defaults);

describe('completeTask', () => {
  it('fills in uuid, routing key and arguments', () => {
    expect(complete({ name: 'a' })).toEqual({ name: 'a', uuid: 'new-uuid', routingKey: 'default', args: [] });
  });

  it('lets retry options travel in a header of ours', () => {
    expect(complete({ name: 'a', headers: { h: 1 }, retry: { attempts: 5 } })).toMatchObject({ headers: { h: 1, 'x-dispatcher-retry': '{"attempts":5}' } });
  });

  it('writes when it is due and when it expires, and leaves a plain task plain', () => {
    expect(complete({ name: 'a', delaySeconds: 1.5, expiresInSeconds: 60, headers: { h: 1 } })).toEqual({
      name: 'a', uuid: 'new-uuid', routingKey: 'default', args: [], dueAt: 1_000_000_001_500,
      headers: { h: 1, 'x-dispatcher-due': 1_000_000_001_500, 'x-dispatcher-expires': 1_000_000_060_000 },
    });
    expect(complete({ name: 'a', delaySeconds: 0 })).toEqual(complete({ name: 'a' }));
  });

  it('keeps what the caller gave', () => {
    const input = { name: 'a', uuid: 'u', routingKey: 'r', args: [{ type: 'int', value: 1 }], headers: { h: [1, { x: null }] } };
    expect(complete(input)).toEqual(input);
  });

  it.each([
    [undefined, /Expected a task/],
    [{}, /needs a name/],
    [{ name: '' }, /needs a name/],
    [{ name: 'a', uuid: '' }, /uuid must be a string that is not empty/],
    [{ name: 'a', uuid: 'x'.repeat(256) }, /uuid has 256 bytes; AMQP allows 255/],
    [{ name: 'a', routingKey: 'ä'.repeat(128) }, /routingKey has 256 bytes/],
    [{ name: 'a', routingKey: 5 }, /routingKey must be a string/],
    [{ name: 'a', args: { 0: 1 } }, /args must be a list/],
    [{ name: 'a', args: [1] }, /argument 1: expected \{ type, value \}, found the number 1/],
    [{ name: 'a', args: [{ type: 'int', value: 1 }, { type: 'int8', value: 300 }] }, /argument 2 \(type int8\): expected an integer from -128 to 127, found the number 300/],
    [{ name: 'a', args: [{ type: 'date', value: 1 }] }, /unknown argument type the string "date"; the types are bool string/],
    [{ name: 'a', retry: { attempts: 0 } }, /Task "a": retry.attempts must be a whole number from 1/],
    [{ name: 'a', retry: { backoff: () => 1 } }, /retry.backoff is a function and cannot travel/],
    [{ name: 'a', headers: [] }, /headers must be an object/],
    [{ name: 'a', headers: { 'x-dispatcher-attempt': 5 } }, /reserved/],
    [{ name: 'a', headers: { h: new Date(0) } }, /header "h"/],
    [{ name: 'a', headers: { h: 1n } }, /bigint cannot travel in a header/],
    [{ name: 'a', headers: { ['n'.repeat(256)]: 1 } }, /longer than 255 bytes/],
  ])('refuses case %#', (input, message) => {
    expect(() => complete(input)).toThrow(message);
  });
});

it('infers the types of plain values', () => {
  expect(inferArguments(['a', 1])).toEqual([{ type: 'string', value: 'a' }, { type: 'int', value: 1 }]);
});

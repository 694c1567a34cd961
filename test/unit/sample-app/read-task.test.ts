import { HttpException } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { readTask } from '../../../sample-app/src/http/read-task.js';

function read(text: string): ReturnType<typeof readTask> {
  return readTask(Buffer.from(text));
}

function refusal(body: unknown): string {
  try {
    readTask(body);
  } catch (error) {
    const { statusCode, message } = (error as HttpException).getResponse() as { statusCode: number; message: string };
    expect(statusCode).toBe(400);
    return message;
  }
  throw new Error('readTask accepted what it should refuse');
}

describe('a body that is a task', () => {
  it('takes every field', () => {
    const task = read('{"name":"n","args":[{"type":"string","value":"v"}],"routingKey":"k","headers":{"h":1},"uuid":"u"}');
    expect(task).toEqual({ name: 'n', args: [{ type: 'string', value: 'v' }], routingKey: 'k', headers: { h: 1 }, uuid: 'u' });
  });

  it('takes null for what is left out, as Go writes it', () => {
    expect(read('{"name":"n","args":null,"headers":null}')).toMatchObject({ name: 'n', args: undefined, headers: undefined });
  });

  it.each([
    ['int64', '-9223372036854775808', -9223372036854775808n],
    ['int64', '"-9223372036854775808"', -9223372036854775808n],
    ['uint64', '18446744073709551615', 18446744073709551615n],
    ['uint64', '"18446744073709551615"', 18446744073709551615n],
    ['int', '9007199254740993', 9007199254740993n],
    ['int64', '5', 5],
    ['int64', '"5"', 5n],
    ['float64', '100000000000000000000', 1e20],
    ['string', '"9007199254740993"', '9007199254740993'],
    ['int64', '"abc"', 'abc'],
    ['int', '"5"', '5'],
    ['[]int64', '["9007199254740993",2]', [9007199254740993n, 2]],
  ])('reads %s %s without loss', (type, json, expected) => {
    expect(read(`{"name":"n","args":[{"type":"${type}","value":${json}}]}`).args).toEqual([{ type, value: expected }]);
  });
});

describe('a body that is not a task', () => {
  it.each([
    ['nothing', undefined, /empty/],
    ['an empty body', Buffer.alloc(0), /empty/],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /UTF-8/],
    ['half of a JSON text', Buffer.from('{"name":'), /JSON/],
    ['a list', Buffer.from('[]'), /JSON object/],
    ['no name', Buffer.from('{"args":[]}'), /"name"/],
    ['an empty name', Buffer.from('{"name":""}'), /"name"/],
    ['args that are no list', Buffer.from('{"name":"n","args":{"type":"int"}}'), /"args" must be a list/],
    ['an argument without a value', Buffer.from('{"name":"n","args":[{"type":"int"}]}'), /argument 1/],
    ['an argument whose type is a number', Buffer.from('{"name":"n","args":[{"type":1,"value":1}]}'), /argument 1/],
    ['a misspelt field', Buffer.from('{"name":"n","routing_key":"k"}'), /no field "routing_key".*routingKey/],
    ['headers that are a list', Buffer.from('{"name":"n","headers":[]}'), /"headers"/],
    ['a routing key that is a number', Buffer.from('{"name":"n","routingKey":1}'), /"routingKey"/],
    ['a __proto__ key', Buffer.from('{"name":"n","headers":{"__proto__":{"x":1}}}'), /JSON/],
    ['10,000 levels with a long number', Buffer.from(`{"name":"n","args":${'['.repeat(10_000)}1234567890123456789${']'.repeat(10_000)}}`), /./],
  ])('%s is a 400 with an example', (_, body, text) => {
    const message = refusal(body);
    expect(message).toMatch(text);
    expect(message).toContain('Write, for instance, {"name":"task_1"');
  });
});

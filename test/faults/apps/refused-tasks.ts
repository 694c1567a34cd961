import type { ArgumentType, TaskInput } from '../../../lib/index.js';

/** Just outside of each range, and of another kind, as JavaScript and as the number that travels. */
export const OUT_OF_RANGE: { type: ArgumentType; value: unknown; json: string }[] = [
  { type: 'bool', value: 1, json: '1' },
  { type: 'string', value: 1, json: '1' },
  { type: 'int', value: 2n ** 63n, json: '9223372036854775808' },
  { type: 'int8', value: 128, json: '128' },
  { type: 'int16', value: -32769, json: '-32769' },
  { type: 'int32', value: 2147483648, json: '2147483648' },
  { type: 'int64', value: -(2n ** 63n) - 1n, json: '-9223372036854775809' },
  { type: 'uint', value: -1, json: '-1' },
  { type: 'uint8', value: 256, json: '256' },
  { type: 'uint16', value: 65536, json: '65536' },
  { type: 'uint32', value: -1, json: '-1' },
  { type: 'uint64', value: 2n ** 64n, json: '18446744073709551616' },
  { type: 'float32', value: 3.5e38, json: '3.5e38' },
  { type: 'float64', value: Number.NaN, json: '"NaN"' },
  { type: '[]int8', value: [1, 128], json: '[1,128]' },
  { type: 'int' as ArgumentType, value: 1.5, json: '1.5' },
  { type: 'complex64' as ArgumentType, value: 1, json: '1' },
];

export const NESTING = 10_000;
export const LARGE_BYTES = 17 * 1024 * 1024;
export const HEADER_BYTES = 64 * 1024;

interface RefusedTask {
  title: string;
  task(): TaskInput;
  code: string;
  /** What the error says of the cause. */
  text: RegExp;
}

const INVALID = 'ERR_DISPATCHER_INVALID_TASK';

/** What `publish` refuses, one error for each. */
export const REFUSED_TASKS: RefusedTask[] = [
  ...OUT_OF_RANGE.map(({ type, value }) => ({
    title: `${type} of ${String(value)}`, task: () => ({ name: 'work', args: [{ type, value }] }), code: INVALID, text: new RegExp(`argument 1 .*${type.replace('[]', '\\[\\]')}`),
  })),
  { title: 'no name', task: () => ({ name: '' }), code: INVALID, text: /needs a name/ },
  { title: 'args that are no list', task: () => ({ name: 'work', args: { a: 1 } as never }), code: INVALID, text: /args must be a list/ },
  { title: '10,000-deep nesting', task: () => ({ name: 'work', args: [{ type: 'json', value: nested(NESTING) }] }), code: INVALID, text: /deep|nest/ },
  { title: '__proto__ key', task: () => ({ name: 'work', args: [{ type: 'json', value: JSON.parse('{"__proto__":{"admin":true}}') as unknown }] }), code: INVALID, text: /__proto__/ },
  { title: '17 MiB body', task: () => ({ name: 'work', args: [{ type: 'string', value: 'x'.repeat(LARGE_BYTES) }] }), code: 'ERR_DISPATCHER_TASK_TOO_LARGE', text: /16777216/ },
  { title: '64 KiB of headers', task: () => ({ name: 'work', headers: { big: 'x'.repeat(HEADER_BYTES) } }), code: INVALID, text: /its headers take up to \d+ bytes; at most 49152/ },
  { title: 'a header of ours', task: () => ({ name: 'work', headers: { 'x-dispatcher-attempt': 7 } }), code: INVALID, text: /reserved/ },
  { title: 'unroutable key', task: () => ({ name: 'work', routingKey: 'nobody' }), code: 'ERR_DISPATCHER_UNROUTABLE', text: /routing key ["']nobody["']/ },
];

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

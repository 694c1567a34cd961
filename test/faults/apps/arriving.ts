import { HEADER_BYTES, LARGE_BYTES, NESTING, OUT_OF_RANGE } from './refused-tasks.js';

/** A body that nobody who uses this library would send, and the dead letter that it must become. */
export interface Arriving {
  title: string;
  body: Buffer;
  headers?: Record<string, string | number>;
  reason: string;
  /** What the dead letter says of the cause. */
  error: RegExp;
}

const text = (body: string): Buffer => Buffer.from(body);
const task = (args: string, name = 'work'): Buffer => text(`{"uuid":"bad","name":"${name}","args":${args}}`);
const oneArgument = (type: string, json: string): Buffer => task(`[{"type":"${type}","value":${json}}]`);

export const ARRIVING: Arriving[] = [
  { title: 'empty body', body: text(''), reason: 'invalid-body', error: /body is empty/ },
  { title: 'not JSON', body: text('no json'), reason: 'invalid-body', error: /cannot be read as JSON/ },
  { title: 'not UTF-8', body: Buffer.from([0xff, 0xfe, 0x00]), reason: 'invalid-body', error: /not UTF-8/ },
  { title: 'half a task', body: text('{"uuid":"bad","name":"wo'), reason: 'invalid-body', error: /cannot be read as JSON/ },
  ...['null', '1', '"work"', '[]', '{}', '{"uuid":"bad"}', '{"uuid":1,"name":"work"}', '{"uuid":"bad","name":["work"]}', '{"uuid":"bad","name":"work","args":{}}']
    .map((body) => ({ title: `the JSON ${body}`, body: text(body), reason: 'invalid-body', error: /not a task/ })),
  ...['[1]', '[null]', '[{}]', '[{"type":"int"}]', '[{"type":7,"value":1}]']
    .map((args) => ({ title: `the arguments ${args}`, body: task(args), reason: 'invalid-arguments', error: /argument 1/ })),
  ...OUT_OF_RANGE.map(({ type, json }) => ({ title: `${type} of ${json}`, body: oneArgument(type, json), reason: 'invalid-arguments', error: /argument 1/ })),
  { title: '10,000-deep nesting', body: oneArgument('json', `${'['.repeat(NESTING)}1${']'.repeat(NESTING)}`), reason: 'invalid-arguments', error: /nested deeper than 512 levels/ },
  { title: '10,000-deep nesting with a long number', body: oneArgument('json', `${'['.repeat(NESTING)}12345678901234567890${']'.repeat(NESTING)}`), reason: 'invalid-body', error: /nested too deeply/ },
  { title: '__proto__ as a key of the task', body: text('{"uuid":"bad","name":"work","args":null,"__proto__":{"admin":true}}'), reason: 'invalid-body', error: /prototype/ },
  { title: '__proto__ as a key of an argument', body: oneArgument('json', '{"__proto__":{"admin":true}}'), reason: 'invalid-body', error: /prototype/ },
  { title: '__proto__ written with an escape', body: oneArgument('json', String.raw`{"\u005f_proto__":{"admin":true}}`), reason: 'invalid-body', error: /prototype/ },
  { title: 'constructor.prototype', body: oneArgument('json', '{"constructor":{"prototype":{"admin":true}}}'), reason: 'invalid-body', error: /prototype/ },
  { title: '17 MiB', body: oneArgument('string', `"${'x'.repeat(LARGE_BYTES)}"`), reason: 'too-large', error: /16777216/ },
  { title: 'unknown name', body: task('null', 'nobody_knows'), reason: 'unknown-task', error: /took the task "nobody_knows" within 0\.3 s.*@Task\('nobody_knows'\)/ },
  { title: 'the name of something that every object has', body: task('null', 'toString'), reason: 'unknown-task', error: /took the task "toString"/ },
  // As near to 64 KiB as amqplib, which sends them in the test, can write.
  { title: '64 KiB of headers', body: text('no json either'), headers: { big: 'x'.repeat(HEADER_BYTES - 64) }, reason: 'invalid-body', error: /cannot be read as JSON/ },
  { title: 'headers of ours with nonsense', body: task('[1]'), headers: { 'x-dispatcher-attempt': 'many', 'x-dispatcher-history': '{', 'x-dispatcher-retry': '[]' }, reason: 'invalid-arguments', error: /argument 1/ },
];

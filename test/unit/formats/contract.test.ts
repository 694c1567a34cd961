import { describe, expect, it } from 'vitest';
import { formatContract } from '../../../lib/contract-suites/index.js';
import { BUILT_IN_FORMATS } from '../../../lib/formats/formats.js';
import { SCALAR_TYPES, type ArgumentType } from '../../../lib/task/argument-types.js';
import type { Task, TaskArgument } from '../../../lib/task/task.js';

const VALUES: Record<string, unknown> = { bool: true, string: 'ünï <&> \u2028 "x"', float32: 0.5, float64: -1e-9, int64: -(2n ** 63n), uint64: 2n ** 64n - 1n };
const scalars: TaskArgument[] = SCALAR_TYPES.map((type) => ({ type, value: VALUES[type] ?? 7 }));
const lists: TaskArgument[] = SCALAR_TYPES.map((type) => ({ type: `[]${type}` as ArgumentType, value: [VALUES[type] ?? 7] }));
const json: TaskArgument = { type: 'json', value: { a: [1, null, { b: 'ü' }], big: 2n ** 60n } };
const task = (number: number, args: TaskArgument[], more: Partial<Task> = {}): Task => ({ uuid: `6f9b2c1e-0000-4000-8000-00000000000${number}`, name: 'mail.send', args, ...more });
/** Those that need no types to come back. */
const plain: TaskArgument[] = [{ type: 'string', value: 'x' }, { type: 'int', value: 42 }, { type: 'bool', value: false }, { type: 'float64', value: 0.5 }, { type: 'int64', value: 2n ** 60n }, json, { type: 'json', value: null }];

const TASKS: Record<string, Task[]> = {
  gofort: [task(1, []), task(2, [...scalars, ...lists, json])],
  machinery: [task(1, []), task(2, [...scalars, ...lists])],
  celery: [task(1, []), task(2, plain), task(3, [...plain, { type: 'json', value: { to: 'Ada' } }], { hasKwargs: true })],
  celery1: [task(1, []), task(2, plain), task(3, [...plain, { type: 'json', value: { to: 'Ada' } }], { hasKwargs: true })],
  cloudevents: [task(1, []), task(2, [...scalars, ...lists, json]), task(3, [json]), task(4, [{ type: 'int64', value: 5n }])],
  'cloudevents-binary': [task(1, []), task(2, [...scalars, ...lists, json]), task(3, [json]), task(4, [{ type: 'string', value: 'x' }])],
  gocraft: [task(1, []), task(2, [json], { hasKwargs: true })],
  sidekiq: [task(1, []), task(2, plain)],
  goworkers: [task(1, []), task(2, plain)],
  hutch: [task(1, [json]), task(2, [{ type: 'string', value: 'x' }])],
};

for (const format of BUILT_IN_FORMATS) formatContract({ describe, it, expect }, { format, tasks: TASKS[format.name] ?? [] });

it('every built-in format has tasks here', () => expect(Object.keys(TASKS).sort()).toEqual(BUILT_IN_FORMATS.map(({ name }) => name).sort()));

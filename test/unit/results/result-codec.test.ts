import { describe, expect, it } from 'vitest';
import { InvalidBodyError } from '../../../lib/errors.js';
import { decodeTaskResult, encodeTaskResult } from '../../../lib/results/result-codec.js';
import { advance, newTaskResult, type TaskOutcome, type TaskResult } from '../../../lib/results/task-result.js';

function ended(outcome: TaskOutcome): TaskResult {
  return advance(advance(newTaskResult('u"1', 'name\n'), [{ state: 'progress', at: 5, worker: 'w', attempt: 1, fraction: 0.5, data: { rows: 10n } }]),
    [{ state: 'succeeded', at: 6, worker: 'w', attempt: 1 }], outcome);
}

function outcomeOf(value: unknown, maxResultBytes?: number): TaskOutcome | undefined {
  return decodeTaskResult(encodeTaskResult(ended({ kind: 'value', value }), { maxResultBytes })).outcome;
}

describe('a record as bytes', () => {
  it.each<[string, TaskOutcome]>([
    ['a value', { kind: 'value', value: { id: 2n ** 63n, list: [undefined, -0] } }],
    ['undefined', { kind: 'value', value: undefined }],
    ['an error', { kind: 'error', error: { name: 'E', message: 'm', stack: 's', cause: { name: 'C', message: 'c' } } }],
    ['a problem', { kind: 'unstorable', problem: 'p' }],
  ])('comes back with %s', (_, outcome) => {
    expect(decodeTaskResult(encodeTaskResult(ended(outcome)))).toStrictEqual(ended(outcome));
  });

  it('comes back without an end', () => {
    const open = newTaskResult('u', 'n');
    expect(decodeTaskResult(encodeTaskResult(open))).toStrictEqual(open);
  });

  it('is JSON that others can read', () => {
    expect(JSON.parse(encodeTaskResult(ended({ kind: 'value', value: [1, 'a'] })).toString())).toMatchObject({ v: 1, state: 'succeeded', outcome: { kind: 'value', value: [1, 'a'] } });
  });

  it('keeps a value of 5 MiB', () => {
    const value = 'x'.repeat(5 * 1024 * 1024);
    const outcome = outcomeOf(value);
    expect(outcome?.kind === 'value' && outcome.value === value).toBe(true);
  });

  it('says why a value is missing', () => {
    const circle: unknown[] = [];
    circle.push(circle);
    expect(outcomeOf(circle)).toMatchObject({ kind: 'unstorable', problem: expect.stringMatching(/cannot be kept: it contains itself/) });
    expect(outcomeOf(() => 1)).toMatchObject({ kind: 'unstorable', problem: expect.stringMatching(/function/) });
  });

  it('measures the value in bytes, quotes included', () => {
    expect(outcomeOf('ä'.repeat(4), 10)).toEqual({ kind: 'value', value: 'ääää' });
    expect(outcomeOf('ä'.repeat(4) + 'b', 10)).toMatchObject({ kind: 'unstorable', problem: expect.stringMatching(/has 11 bytes, more than maxResultBytes \(10\)/) });
  });

  it('leaves out what progress cannot say', () => {
    const circle: unknown[] = [];
    circle.push(circle);
    for (const data of [circle, 'x'.repeat(100_000)]) {
      const result = advance(newTaskResult('u', 'n'), [{ state: 'progress', at: 1, data }]);
      expect(decodeTaskResult(encodeTaskResult(result)).timeline).toEqual([{ state: 'progress', at: 1 }]);
    }
  });
});

describe('bytes that are no record', () => {
  it.each([
    '', 'x', '[]', 'null', '{}', '{"v":2}', '{"v":1,"uuid":"u"}', '{"v":1,"uuid":"u","name":"n","state":"odd"}',
    '{"v":1,"uuid":"u","name":"n","state":"published"}', '{"v":1,"uuid":"u","name":"n","state":"published","attempt":0,"dropped":0,"timeline":[3]}',
    '{"v":1,"uuid":"u","name":"n","state":"failed","attempt":0,"dropped":0,"timeline":[],"outcome":null}',
    '{"v":1,"uuid":"u","name":"n","state":"failed","attempt":0,"dropped":0,"timeline":[],"outcome":{"kind":"odd"}}',
    '{"v":1,"uuid":"u","name":"n","state":"succeeded","attempt":0,"dropped":0,"timeline":[],"outcome":{"kind":"value","value":{"$bigint":"x"}}}',
  ])('%s', (text) => {
    expect(() => decodeTaskResult(Buffer.from(text))).toThrow(InvalidBodyError);
  });
});

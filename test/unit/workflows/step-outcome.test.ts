import { describe, expect, it } from 'vitest';
import { decodeOutcome, encodeOutcome, failure } from '../../../lib/workflows/step-outcome.js';

const roundTrip = (value: unknown): unknown => decodeOutcome(encodeOutcome({ kind: 'value', value }));

describe('the outcome of a step', () => {
  it.each([1, 2n ** 70n, undefined, null, Number.NaN, 'ü', [undefined, 1n], { a: { $bigint: '1' } }, { kind: 'error' }])('keeps the value %o', (value) => {
    expect(roundTrip(value)).toStrictEqual({ kind: 'value', value });
  });

  it.each([[() => 1, 'a function cannot be a result'], [Symbol('s'), 'a symbol cannot be a result'], [new Set(), 'a Set has no JSON form'], [{ toJSON: () => undefined }, 'its toJSON gives nothing']])('is a failure where the value has no form: %o', (value, problem) => {
    expect(roundTrip(value)).toMatchObject({ kind: 'error', error: { name: 'TypeError', message: expect.stringContaining(`What the task returned cannot be kept: ${problem}`) } });
  });

  it('keeps what an error says', () => {
    const error = Object.assign(new RangeError('too far "$bigint"'), { code: 'E_FAR' });
    expect(decodeOutcome(encodeOutcome(failure(error)))).toEqual({ kind: 'error', error: { name: 'RangeError', message: 'too far "$bigint"', code: 'E_FAR' } });
  });

  it.each(['', 'x', '{}', '{"kind":"moon"}'])('is refused where it is none: %s', (text) => {
    expect(() => decodeOutcome(Buffer.from(text))).toThrow(/stored outcome of a step/);
  });
});

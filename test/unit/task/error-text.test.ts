import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeValue } from '../../../lib/results/result-value.js';
import { errorRecord } from '../../../lib/results/task-error-record.js';
import { display } from '../../../lib/task/argument-types.js';
import { errorText, instantText, isA, messageOf, placeOf, stackOf, textOf } from '../../../lib/task/error-text.js';
import { errorStory, placesOf } from '../../../lib/task/error-story.js';
import { packThrown } from '../../../lib/nest/threads/thread-messages.js';
import { anyThrown, errorWithGetter, HOSTILE_VALUES } from '../../support/hostile-values.js';

const LONGEST = 8_300;

describe('putting into words what was thrown', () => {
  it('never throws and has bounds, whatever it is', () => {
    fc.assert(fc.property(anyThrown(), (make) => {
      const thrown = make();
      for (const text of [errorText(thrown), messageOf(thrown), textOf(thrown), display(thrown)]) {
        expect(typeof text).toBe('string');
        expect(text.length).toBeLessThan(2 * LONGEST);
      }
      expect(['string', 'undefined']).toContain(typeof stackOf(thrown));
      expect(['string', 'undefined']).toContain(typeof placeOf(thrown));
      expect(typeof isA(thrown, Error)).toBe('boolean');
      expect(JSON.stringify(errorRecord(thrown)).length).toBeLessThan(600_000);
      expect(errorStory(thrown, 300).length).toBeLessThanOrEqual(600);
      expect(placesOf(thrown, 500)?.length ?? 0).toBeLessThanOrEqual(500);
      expect(typeof packThrown(thrown).kind).toBe('string');
      encodeValue(thrown);
      encodeValue({ toJSON() { throw thrown; } });
    }), { numRuns: 200 });
  });

  it('says what can be said', () => {
    expect(errorText(new TypeError('no'))).toBe('TypeError: no');
    expect(errorText('text')).toBe('text');
    expect(errorText(undefined)).toBe('undefined');
    expect(errorText(Symbol('s'))).toBe('Symbol(s)');
    expect(errorText(Object.create(null))).toBe('an object without a text');
    expect(errorText(errorWithGetter('message'))).toBe('Error: its message cannot be read');
    expect(errorText(errorWithGetter('name'))).toBe('Error: with a getter');
    expect(messageOf(HOSTILE_VALUES['an error with a symbol as message']?.())).toBe('Symbol(message)');
    expect(messageOf(new RangeError())).toBe('RangeError');
  });

  it('keeps what can be read of an error of which a part cannot', () => {
    expect(errorRecord(errorWithGetter('stack'))).toEqual({ name: 'Error', message: 'with a getter' });
    expect(errorRecord(errorWithGetter('cause'))).toMatchObject({ name: 'Error', message: 'with a getter', stack: expect.any(String) as string });
  });

  it('names an instant that is none', () => {
    expect(instantText(0)).toBe('1970-01-01T00:00:00.000Z');
    expect(instantText(-1e300)).toBe('no date (-1e+300)');
  });
});

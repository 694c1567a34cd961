import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasLongNumber, readJson } from '../../../lib/formats/read-json.js';

describe('a number that a double may not hold', () => {
  it('is found wherever it stands, and nothing else is', () => {
    const piece = fc.oneof(fc.stringMatching(/^\d{0,40}$/), fc.string({ maxLength: 20 }), fc.constantFrom('1'.repeat(15), '1'.repeat(16), '-', '.', '٣'.repeat(20)));
    fc.assert(fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      expect(hasLongNumber(Buffer.from(text))).toBe(/\d{16}/.test(text));
    }), { numRuns: 500 });
  });

  it.each([0, 1, 14, 15, 16, 17, 31])('comes whole behind %i other characters', (spaces) => {
    for (const [digits, expected] of [['9007199254740993', 9007199254740993n], ['123456789012345', 123456789012345]] as const) {
      expect(readJson(Buffer.from(`${' '.repeat(spaces)}${digits}`), 'a number')).toBe(expected);
    }
  });
});

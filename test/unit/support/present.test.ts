import { describe, expect, it } from 'vitest';
import { firstOf, itemAt, present } from '../../support/present.js';

describe('what a test needs to go on', () => {
  it('is given as it is', () => {
    const [one, two] = firstOf(['a', 'b', 'c'], 2);
    expect([one, two]).toEqual(['a', 'b']);
    expect(firstOf(['a', 'b', 'c'], 2)).toHaveLength(2);
    expect(itemAt(['a', 'b'], 1)).toBe('b');
    expect(present(0, 'number')).toBe(0);
  });

  it('is named where it is missing', () => {
    expect(() => present(undefined, 'keeper')).toThrow('There is no keeper.');
    expect(() => itemAt(['a'], 1)).toThrow('There is no item 1 among 1.');
    expect(() => firstOf(['a'], 2)).toThrow('There should be 2 items at least, and there are 1.');
  });
});

import { describe, expect, it } from 'vitest';
import { nearestName } from '../../../lib/task/nearest-name.js';

describe('nearestName', () => {
  it.each([
    ['exchnage', ['exchange', 'broker'], 'exchange'],
    ['Exchange', ['exchange'], 'exchange'],
    ['timeout', ['retry', 'timeoutSeconds'], 'timeoutSeconds'],
    ['workr', ['workers', 'queue'], 'workers'],
    ['unrelated', ['exchange', 'broker'], undefined],
    ['x', ['exchange'], undefined],
    ['a', [], undefined],
  ])('takes %s for one of %j', (found, known, expected) => {
    expect(nearestName(found, known)).toBe(expected);
  });
});

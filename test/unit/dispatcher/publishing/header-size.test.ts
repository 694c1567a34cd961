import { describe, expect, it } from 'vitest';
import { headerBytes } from '../../../../lib/dispatcher/publishing/header-size.js';

describe('headerBytes', () => {
  it.each([
    [{}, 4],
    [{ a: 'é' }, 4 + 2 + 5 + 2],
    [{ n: 1 }, 4 + 2 + 9],
    [{ b: true, z: null }, 4 + 2 + 2 + 2 + 2],
    [{ l: [1, 'x'] }, 4 + 2 + 5 + 9 + 6],
    [{ t: { a: 'x' } }, 4 + 2 + 1 + 4 + 2 + 6],
  ])('is an upper bound of %j in a table', (headers, bytes) => {
    expect(headerBytes(headers)).toBe(bytes);
  });
});

import { validate, version } from 'uuid';
import { describe, expect, it } from 'vitest';
import { newUuid } from '../../../../lib/dispatcher/publishing/new-uuid.js';

describe('a new uuid', () => {
  const made = Array.from({ length: 20_000 }, () => newUuid());

  it('is one of version 4, and no two are the same', () => {
    expect(made.filter((uuid) => !validate(uuid) || version(uuid) !== 4)).toEqual([]);
    expect(new Set(made).size).toBe(made.length);
  });

  it('is random in each of its places but those that say its kind', () => {
    const digits = (place: number): string => [...new Set(made.map((uuid) => uuid[place]))].sort().join('');
    const found = Array.from({ length: 36 }, (_, place) => digits(place));
    const expected = [...'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'].map((mark) => (mark === 'x' ? '0123456789abcdef' : mark === 'y' ? '89ab' : mark));
    expect(found).toEqual(expected);
  });
});

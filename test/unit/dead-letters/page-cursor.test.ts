import { describe, expect, it } from 'vitest';
import type { DeadLetter } from '../../../lib/dead-letters/dead-letter.js';
import { decodeCursor, PageCollector } from '../../../lib/dead-letters/page-cursor.js';
import { InvalidTaskError } from '../../../lib/errors.js';

interface Stored { id: string; at: number; size?: number }

function letters(stored: readonly Stored[]): DeadLetter[] {
  return stored.map(({ id, at, size = 1 }, position) => ({
    id, at: new Date(at), body: Buffer.alloc(size), position, headers: {}, reason: 'failed', attempt: 1, history: [], replays: 0, queue: 'q', exchange: '', routingKey: 'q',
  }));
}

function page(stored: readonly Stored[], after: string | undefined, limit: number, fits: (letter: DeadLetter) => boolean = () => true): { ids: string[]; next?: string } {
  const collector = new PageCollector(after === undefined ? undefined : decodeCursor(after), limit, 10, fits);
  for (const letter of letters(stored)) if (!collector.add(letter)) break;
  return { ids: collector.letters.map(({ id }) => id), next: collector.next };
}

const QUEUE: Stored[] = Array.from({ length: 7 }, (_, index) => ({ id: `u${index}`, at: 100 + index }));
const without = (...ids: string[]): Stored[] => QUEUE.filter(({ id }) => !ids.includes(id));

describe('pages of dead letters', () => {
  it('follow one another until there are no more', () => {
    const first = page(QUEUE, undefined, 3);
    const second = page(QUEUE, first.next, 3);
    const third = page(QUEUE, second.next, 3);
    expect([first.ids, second.ids, third.ids]).toEqual([['u0', 'u1', 'u2'], ['u3', 'u4', 'u5'], ['u6']]);
    expect(third.next).toBeUndefined();
    expect(page(QUEUE.slice(0, 3), undefined, 3).next).toBeUndefined();
  });

  it('skip none and repeat none when others are removed between', () => {
    const { next } = page(QUEUE, undefined, 3);
    expect(page(without('u0', 'u1'), next, 3).ids).toEqual(['u3', 'u4', 'u5']);
    expect(page(without('u2'), next, 3).ids).toEqual(['u3', 'u4', 'u5']);
    expect(page(without('u0', 'u2', 'u3'), next, 3).ids).toEqual(['u4', 'u5', 'u6']);
    expect(page([], next, 3).ids).toEqual([]);
  });

  it('go on behind the cursor though clocks disagree', () => {
    const skewed: Stored[] = [{ id: 'a', at: 500 }, { id: 'b', at: 100 }, { id: 'c', at: 600 }];
    const seen: string[] = [];
    for (let next: string | undefined, round = 0; round < 3; round++) {
      const found = page(skewed, next, 1);
      seen.push(...found.ids);
      next = found.next;
    }
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  it('apply the filter before the limit, and end at their bytes, but hold one at least', () => {
    expect(page(QUEUE, undefined, 2, ({ id }) => id > 'u3')).toMatchObject({ ids: ['u4', 'u5'], next: expect.any(String) });
    const large: Stored[] = [{ id: 'a', at: 1, size: 50 }, { id: 'b', at: 2, size: 4 }, { id: 'c', at: 3, size: 4 }, { id: 'd', at: 4, size: 4 }];
    const first = page(large, undefined, 10);
    expect(first.ids).toEqual(['a']);
    expect(page(large, first.next, 10).ids).toEqual(['b', 'c']);
  });

  it.each(['', 'x', Buffer.from('[1]').toString('base64url'), Buffer.from('{}').toString('base64url')])('refuse the cursor %j', (text) => {
    expect(() => decodeCursor(text)).toThrow(InvalidTaskError);
  });
});

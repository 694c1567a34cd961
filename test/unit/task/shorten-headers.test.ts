import { describe, expect, it } from 'vitest';
import { Header, republishableHeaders } from '../../../lib/task/headers.js';
import { shortenHeaders, withoutSendersHeaders } from '../../../lib/task/shorten-headers.js';
import type { TaskHeaders } from '../../../lib/task/task.js';

const history = (count: number): string => JSON.stringify(Array.from({ length: count }, (_, n) => ({ attempt: n + 1, error: 'e'.repeat(300) })));
const sizeOf = (headers: TaskHeaders): number => Buffer.byteLength(JSON.stringify(headers));

/** As whoever writes them does: until they fit. */
function fit(headers: TaskHeaders, most: number, mayDropSenders: boolean): TaskHeaders | undefined {
  for (let fitting: TaskHeaders | undefined = headers, tries = 0; ; tries++) {
    expect(tries).toBeLessThan(100);
    if (fitting === undefined || sizeOf(fitting) <= most) return fitting;
    fitting = shortenHeaders(fitting, sizeOf(fitting) - most, mayDropSenders);
  }
}

const FULL: TaskHeaders = {
  small: 'kept', large: 'x'.repeat(3_000), larger: { table: 'y'.repeat(4_000) },
  [Header.attempt]: 25, [Header.deadReason]: 'failed', [Header.deadStack]: 's'.repeat(8_000), [Header.deadError]: 'm'.repeat(2_000), [Header.history]: history(20),
};

describe('headers that are too large', () => {
  it('lose of the stack first, as much as they must', () => {
    const fitting = fit(FULL, sizeOf(FULL) - 1_000, true);
    expect(fitting).toEqual({ ...FULL, [Header.deadStack]: 's'.repeat(7_000) });
  });

  it('keep the first attempt and the last ones, and the beginning of the error, before anything of the sender is touched', () => {
    const fitting = fit(FULL, 8_500, true) as TaskHeaders;
    expect(fitting).toMatchObject({ small: 'kept', large: FULL['large'], larger: FULL['larger'], [Header.attempt]: 25 });
    const attempts = (JSON.parse(fitting[Header.history] as string) as { attempt: number }[]).map(({ attempt }) => attempt);
    expect([attempts[0], attempts.at(-1)]).toEqual([1, 20]);
    expect((fitting[Header.deadError] as string).length).toBeGreaterThanOrEqual(300);
  });

  it('lose the largest of the sender, and say which, where that is allowed', () => {
    const fitting = fit(FULL, 4_000, true);
    expect(fitting).toMatchObject({ small: 'kept', large: FULL['large'], [Header.deadDropped]: 'larger', [Header.deadReason]: 'failed' });
    expect(fit(FULL, 600, true)).toMatchObject({ small: 'kept', [Header.deadDropped]: 'larger, large', [Header.deadReason]: 'failed' });
    expect(fit(FULL, 4_000, false)).toBeUndefined();
  });

  it('have an end, whatever they are', () => {
    expect(fit(FULL, 10, true)).toBeUndefined();
    expect(fit({ [Header.history]: 'no JSON' }, 1, true)).toBeUndefined();
    expect(fit({ [Header.history]: '{}', [Header.deadStack]: 7 }, 1, true)).toBeUndefined();
    expect(fit(Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`h${n}`, 'v'])), 2_500, true)).toBeDefined();
  });

  it('lose all of the sender for another reason than their size, and nothing more', () => {
    expect(withoutSendersHeaders(FULL)).toMatchObject({ [Header.deadDropped]: 'larger, large, small', [Header.deadStack]: FULL[Header.deadStack] });
    expect(withoutSendersHeaders({ [Header.attempt]: 1 })).toBeUndefined();
  });
});

describe('republishableHeaders', () => {
  it('takes any name as data', () => {
    const headers = JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"x-death":[],"CC":["q"]}') as TaskHeaders;
    const kept = republishableHeaders(headers);
    expect(Object.keys(kept)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(kept)).toBe(Object.prototype);
  });
});

import { describe, expect, it } from 'vitest';
import { MAX_STORED_KEY_BYTES } from '../../../../lib/state/result-store.js';
import { storedExpiry, storedKey } from '../../../../lib/state/supervised/stored-key.js';

describe('the key as stores see it', () => {
  it('stays readable when it is plain', () => {
    expect(storedKey('app:', 'result:6f1c.A-z_9')).toBe('app:result:6f1c.A-z_9');
  });

  it('is short, plain and different for all others', () => {
    const odd = ['a b', 'a\tb', 'ä', '\ud800', '\ud801', 'x'.repeat(121), 'x'.repeat(122), '~', `~${'a'.repeat(43)}`];
    const stored = odd.map((key) => storedKey('p'.repeat(64), key));
    expect(new Set(stored).size).toBe(odd.length);
    for (const key of stored) expect(key).toMatch(/^[A-Za-z0-9_.:~-]+$/);
    for (const key of stored) expect(key.length).toBeLessThanOrEqual(MAX_STORED_KEY_BYTES);
  });
});

describe('an expiry', () => {
  it('is whole milliseconds, never fewer', () => {
    expect(storedExpiry(0.2)).toBe(1);
    expect(storedExpiry(1500.1)).toBe(1501);
    expect(storedExpiry(Infinity)).toBeUndefined();
  });
});

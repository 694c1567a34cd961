import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  coarseUnits,
  DELAY_LEVELS,
  DELAY_UNIT_MS,
  delayRoutingKey,
  delayUnits,
  duePattern,
  entryLevel,
  FORWARDED,
  levelMs,
  levelPattern,
  LONGEST_DELAY_MS,
  NEAR_LONGEST_MS,
  queueToken,
} from '../../../../../lib/brokers/amqp/delays/delay-ladder.js';
import { InvalidTaskError } from '../../../../../lib/errors.js';

/** AMQP's topic matching, word by word. */
function matches(pattern: string, key: string): boolean {
  const expression = pattern.split('.').map((word) => (word === '*' ? '[^.]*' : word === '#' ? '.*' : word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))).join('\\.');
  return new RegExp(`^${expression}$`).test(key);
}

/** Walks the ladder as the bindings would lead a message; answers how long it waited. */
function walk(units: number, token: string): number {
  const key = delayRoutingKey(units, token);
  let waited = 0;
  for (let level = entryLevel(units); level >= 0; level--) {
    const into = matches(levelPattern(level, 1), key);
    expect(matches(levelPattern(level, 0), key)).toBe(!into);
    if (into) waited += levelMs(level);
  }
  expect(matches(duePattern(token), key)).toBe(true);
  return waited;
}

const delays = fc.oneof(fc.double({ min: 0.001, max: LONGEST_DELAY_MS, noNaN: true }), fc.integer({ min: 1, max: 100_000 }));

describe('delay ladder', () => {
  it.each([
    [1, 1],
    [50, 1],
    [50.001, 2],
    [51, 2],
    [100, 2],
    [1000, 20],
    [3200, 64],
    [6450, 130],
    [60_000, 1200],
    [60_001, 1208],
    [LONGEST_DELAY_MS, 2 ** DELAY_LEVELS - 1],
  ])('%d ms are %d units', (delayMs, units) => {
    expect(delayUnits(delayMs)).toBe(units);
  });

  it.each([LONGEST_DELAY_MS + 1, Infinity, Number.NaN])('refuses %d ms', (delayMs) => {
    expect(() => delayUnits(delayMs)).toThrow(InvalidTaskError);
  });

  it('is never early, and late by less than a second', () => {
    fc.assert(
      fc.property(delays, (delayMs) => {
        const waited = walk(delayUnits(delayMs), 'queue');
        expect(waited).toBeGreaterThanOrEqual(delayMs);
        expect(waited - delayMs).toBeLessThan(DELAY_UNIT_MS * 8);
        expect(waited - delayMs).toBeLessThan(DELAY_UNIT_MS + delayMs / 64 + 1e-6);
      }),
    );
  });

  it('leaves of a longer delay what the near queue takes, passing its lower levels by', () => {
    fc.assert(
      fc.property(fc.double({ min: NEAR_LONGEST_MS + 1e-3, max: LONGEST_DELAY_MS, noNaN: true }), (delayMs) => {
        const units = coarseUnits(delayMs);
        const left = delayMs - walk(units, 'queue');
        expect(left).toBeGreaterThanOrEqual(400 - 1e-6);
        expect(left).toBeLessThanOrEqual(NEAR_LONGEST_MS + 1e-6);
        expect(units % 32).toBe(0);
        expect(units).toBeGreaterThan(0);
      }),
    );
  });

  it('enters at the highest bit', () => {
    expect([1, 2, 3, 64, 2 ** 32 - 1].map(entryLevel)).toEqual([0, 1, 1, 6, 31]);
  });

  it('writes the bits most significant first', () => {
    expect(delayRoutingKey(5, 'q')).toBe(`${'0.'.repeat(29)}1.0.1.q`);
  });

  it('makes one short word of any queue name, another for another name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 255 }), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 255 }), (one, other) => {
        const token = queueToken(one);
        expect(token).toMatch(/^[A-Za-z0-9_~-]+$/);
        expect(Buffer.byteLength(delayRoutingKey(2 ** 32 - 1, token))).toBeLessThanOrEqual(255);
        expect(token === queueToken(other)).toBe(one === other);
        expect(token).not.toBe(FORWARDED);
      }),
    );
  });

  it.each([['a.b', 'x.a.b'], ['b', 'a.b'], ['#', '*'], ['a~2eb', 'a.b']])('does not deliver to "%s" what is for "%s"', (one, other) => {
    expect(matches(duePattern(queueToken(one)), delayRoutingKey(7, queueToken(other)))).toBe(false);
  });
});

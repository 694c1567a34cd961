import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeightedTurns } from '../../../../lib/worker/intake/weighted-turns.js';

/** Among numbers from 0 on. */
function turnsOf(weights: readonly number[]): WeightedTurns<number> {
  return new WeightedTurns(weights.map((weight, item) => ({ item, weight })));
}

function draw(turns: WeightedTurns<number>, times: number, can: (item: number) => boolean = () => true): (number | undefined)[] {
  return Array.from({ length: times }, () => turns.next(can));
}

function count(drawn: readonly (number | undefined)[], item: number): number {
  return drawn.filter((one) => one === item).length;
}

describe('weighted turns', () => {
  it('gives 5 : 2 : 1 within every eight turns, spread out', () => {
    expect(draw(turnsOf([5, 2, 1]), 8)).toEqual([0, 1, 0, 0, 2, 0, 1, 0]);
  });

  it('gives each its share of any number of turns, off by less than one round', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 500 }), (weights, times) => {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const drawn = draw(turnsOf(weights), times);
      weights.forEach((weight, index) => {
        expect(Math.abs(count(drawn, index) - (times * weight) / total)).toBeLessThan(weights.length);
      });
    }));
  });

  it('never starves one that can, whatever the others do', () => {
    fc.assert(fc.property(fc.array(fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), { minLength: 400, maxLength: 400 }), (rounds) => {
      const turns = turnsOf([16, 4, 1]);
      let [since, longest] = [0, 0];
      for (const can of rounds) {
        since = turns.next((item) => item === 2 || can[item] === true) === 2 ? 0 : since + 1;
        longest = Math.max(longest, since);
      }
      expect(longest).toBeLessThanOrEqual(42);
    }));
  });

  it('passes over those that cannot, and saves nothing up for them', () => {
    const turns = turnsOf([16, 4, 1]);
    expect(count(draw(turns, 1000, (item) => item > 0), 2)).toBe(200);
    // The first has missed a thousand turns: it gets its share from now on, not more.
    expect(count(draw(turns, 21), 0)).toBeLessThanOrEqual(17);
    expect(turns.next(() => false)).toBeUndefined();
  });
});

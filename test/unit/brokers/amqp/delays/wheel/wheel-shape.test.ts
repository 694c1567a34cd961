import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstLook, nextLook } from '../../../../../../lib/brokers/amqp/delays/wheel/look-times.js';
import { bucketKey, bucketOf, closesAt, endsAt, opensAt, readBucketKey, slotFor, slotIn, soonMs, WHEEL, type WheelShape, widthOf } from '../../../../../../lib/brokers/amqp/delays/wheel/wheel-shape.js';
import { LONGEST_DELAY_MS } from '../../../../../../lib/task/timing.js';
import { SMALL_WHEEL } from '../../../../../support/small-wheel.js';

const NOW = Date.parse('2026-11-27T12:34:56.789Z');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

interface Walk {
  readonly levels: readonly number[];
  /** When it came out of the last bucket. */
  readonly outAt: number;
}

/** As a message goes from bucket to bucket, each time taken out somewhat after its slot was opened. */
function walk(shape: WheelShape, sentAt: number, due: number, lagsMs: readonly number[]): Walk {
  const levels: number[] = [];
  let now = sentAt;
  for (let slot = slotFor(shape, due, now); slot !== undefined; slot = slotFor(shape, due, now)) {
    const bucket = bucketOf(shape, slot);
    const opens = opensAt(shape, slot);
    // Nobody finds it open already, nor does anybody take it for another slot before this one is closed.
    expect(opens).toBeGreaterThan(now);
    for (const at of [now, opens, closesAt(shape, slot) - 1]) expect(slotIn(shape, bucket, at)).toEqual(slot);
    now = opens + (lagsMs[levels.length] ?? 0);
    levels.push(slot.level);
  }
  return { levels, outAt: now };
}

const sendings = fc.record({ at: fc.integer({ min: NOW, max: NOW + 300 * DAY }), delayMs: fc.oneof(fc.integer({ min: 1, max: 10 * MINUTE }), fc.integer({ min: 1, max: LONGEST_DELAY_MS })) });

describe('timing wheel', () => {
  it.each([
    [2 * SECOND, []],
    [soonMs(WHEEL), [0]],
    [2 * MINUTE, [0]],
    [3 * MINUTE, [1, 0]],
    [2 * HOUR, [1, 0]],
    [3 * HOUR, [2, 1, 0]],
    [5 * DAY, [2, 1, 0]],
    [30 * DAY, [3, 2, 1, 0]],
    [LONGEST_DELAY_MS, [4, 3, 2, 1, 0]],
  ])('%d ms are waited in buckets of the levels %j at most', (delayMs, most) => {
    const { levels } = walk(WHEEL, NOW, NOW + delayMs, []);
    expect(levels.length).toBeLessThanOrEqual(most.length);
    expect(levels.every((level, at) => level <= (most[at] ?? -1))).toBe(true);
  });

  it('lets go of a message in time for who holds it, from one narrower bucket to the next', () => {
    fc.assert(fc.property(sendings, ({ at, delayMs }) => {
      const due = at + delayMs;
      const { levels, outAt } = walk(WHEEL, at, due, []);
      expect(outAt).toBeLessThanOrEqual(due);
      expect(due - outAt).toBeLessThanOrEqual(soonMs(WHEEL));
      expect(levels).toEqual([...new Set(levels)].sort((one, other) => other - one));
    }));
  });

  it('is late by no more than whoever takes it out last is', () => {
    fc.assert(fc.property(sendings, fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 5, maxLength: 5 }), ({ at, delayMs }, lagsMs) => {
      const due = at + delayMs;
      const { levels, outAt } = walk(WHEEL, at, due, lagsMs);
      expect(levels.length).toBeLessThanOrEqual(WHEEL.widthsMs.length);
      expect(outAt - due).toBeLessThanOrEqual(Math.max(0, ...lagsMs));
    }), { numRuns: 300 });
  });

  it('keeps large bodies out of the narrowest slots, and leaves of their delay what the low ladder takes', () => {
    fc.assert(fc.property(sendings, ({ at, delayMs }) => {
      const due = at + delayMs;
      let now = at;
      for (let slot = slotFor(WHEEL, due, now, 1); slot !== undefined; slot = slotFor(WHEEL, due, now, 1)) {
        expect(slot.level).toBeGreaterThanOrEqual(1);
        now = opensAt(WHEEL, slot);
      }
      expect(due - now).toBeLessThanOrEqual(136 * SECOND);
    }));
  });

  it('puts what is due beyond the last level into its last bucket, to be put on from there', () => {
    const due = NOW + 200 * 365 * DAY;
    const slot = slotFor(WHEEL, due, NOW);
    expect(slot).toMatchObject({ level: 4 });
    expect(opensAt(WHEEL, slot!)).toBeLessThan(due);
  });

  it('has slots enough for all that a wider slot may hold, also in tests', () => {
    for (const shape of [WHEEL, SMALL_WHEEL]) {
      for (let level = 1; level < shape.widthsMs.length; level++) {
        const opens = opensAt(shape, { level, number: 1_000_000 });
        const due = endsAt(shape, { level, number: 1_000_000 }) - 1;
        expect(slotFor(shape, due, opens)).toEqual({ level: level - 1, number: Math.floor(due / widthOf(shape, level - 1)) });
      }
    }
  });

  it('knows its buckets by their keys, and no others', () => {
    for (const bucket of [{ level: 0, index: 7 }, { level: 4, index: 71 }]) expect(readBucketKey(WHEEL, bucketKey(bucket))).toEqual(bucket);
    for (const key of ['', '0', '0.7', '5.00', '0.72', '0.077', 'a.07', '0.07 ']) expect(readBucketKey(WHEEL, key)).toBeUndefined();
  });

  it('looks into a bucket when its slot opens, again while it is open, and then when its next one does', () => {
    const bucket = { level: 0, index: Math.floor(NOW / 2_000) % WHEEL.slots };
    const slot = slotIn(WHEEL, bucket, NOW);
    const opens = opensAt(WHEEL, slot);
    expect(nextLook(WHEEL, bucket, opens - 5)).toBe(opens);
    expect(nextLook(WHEEL, bucket, opens)).toBe(opens + 2_000);
    expect(nextLook(WHEEL, bucket, closesAt(WHEEL, slot) - 1)).toBe(opens + WHEEL.slots * 2_000);
    expect(firstLook(WHEEL, bucket, opens + 1)).toBe(opens + 1);
    expect(firstLook(WHEEL, bucket, closesAt(WHEEL, slot))).toBe(opens + WHEEL.slots * 2_000);
  });

  it('looks on every level at least once into each slot', () => {
    fc.assert(fc.property(fc.nat(WHEEL.widthsMs.length - 1), fc.nat(WHEEL.slots - 1), fc.integer({ min: 0, max: 10_000 }), (level, index, lagMs) => {
      const bucket = { level, index };
      let now = firstLook(WHEEL, bucket, NOW);
      const first = slotIn(WHEEL, bucket, now);
      for (let rounds = 0; slotIn(WHEEL, bucket, now).number === first.number; rounds++) {
        expect(rounds).toBeLessThan(2 + 2.2 * widthOf(WHEEL, level) / Math.min(10_000, widthOf(WHEEL, level)));
        if (level > 2) now = closesAt(WHEEL, first) - 1;
        now = nextLook(WHEEL, bucket, now);
      }
      expect(slotIn(WHEEL, bucket, now).number).toBe(first.number + WHEEL.slots);
      expect(now + Math.min(lagMs, widthOf(WHEEL, level))).toBeLessThan(closesAt(WHEEL, slotIn(WHEEL, bucket, now)));
    }), { numRuns: 60 });
  });
});

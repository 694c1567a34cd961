import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Delayed } from '../../../../../lib/brokers/amqp/delays/delayed-header.js';
import { SenderClocks } from '../../../../../lib/brokers/amqp/delays/sender-clocks.js';

const START = 1_700_000_000_000;

/** Sent `ageMs` ago by a clock that is `behindMs` behind ours. */
function delayed({ delayMs = 1_000, behindMs = 0, ageMs = 0, ladderMs = 0, by = 'a' }): Delayed {
  const at = START - ageMs - behindMs;
  return { due: at + delayMs, to: { queue: 'q' }, tries: 0, sent: { by, at, ladderMs } };
}

describe('what is left of a delay', () => {
  it('is what the clock says where the clocks agree', () => {
    const clocks = new SenderClocks();
    expect(clocks.restMs(delayed({}), START, 0)).toBe(1_000);
    // It stood in a queue: that is no reason to wait longer.
    expect(clocks.restMs(delayed({ ageMs: 400 }), START, 1)).toBe(600);
    expect(clocks.restMs(delayed({ ageMs: 5_000 }), START, 1)).toBe(-4_000);
  });

  it('is all of it where the clock of the sender is behind', () => {
    const clocks = new SenderClocks();
    for (let times = 0; times < 3; times++) expect(clocks.restMs(delayed({ behindMs: 30_000 }), START, times)).toBe(1_000);
    expect(clocks.restMs(delayed({ behindMs: 30_000, ageMs: 400 }), START, 4)).toBe(600);
    // Others' clocks are others'.
    expect(clocks.restMs(delayed({ by: 'b', ageMs: 1 }), START, 5)).toBe(1_000);
    expect(clocks.restMs(delayed({ by: 'b', ageMs: 200 }), START, 5)).toBe(801);
  });

  it('is what the ladder has left of it', () => {
    const clocks = new SenderClocks();
    expect(clocks.restMs(delayed({ delayMs: 10_000, ageMs: 8_000, ladderMs: 8_000 }), START, 0)).toBe(2_000);
    expect(clocks.restMs(delayed({ delayMs: 10_000, ageMs: 8_000, ladderMs: 8_000, behindMs: 30_000, by: 'b' }), START, 0)).toBe(2_000);
    expect(clocks.restMs(delayed({ delayMs: 10_000, ageMs: 200_000, ladderMs: 8_000, by: 'c' }), START, 0)).toBeLessThan(0);
  });

  it('follows a clock that was set', () => {
    const clocks = new SenderClocks();
    clocks.restMs(delayed({}), START, 0);
    expect(clocks.restMs(delayed({ behindMs: 10_000 }), START, 1_000)).toBe(-9_000);
    for (const elapsed of [35_000, 70_000]) clocks.restMs(delayed({ behindMs: 10_000 }), START, elapsed);
    expect(clocks.restMs(delayed({ behindMs: 10_000 }), START, 71_000)).toBe(1_000);
  });

  it('is waited as it is where the sender is ahead by what clocks may differ, and in full where it is more', () => {
    const clocks = new SenderClocks();
    expect(clocks.restMs(delayed({ behindMs: -20_000 }), START, 0)).toBe(21_000);
    expect(clocks.restMs(delayed({ behindMs: -3_600_000 }), START, 0)).toBe(1_000);
  });

  it('of what an earlier version has sent, is what the clock says, or nothing where that cannot be', () => {
    const clocks = new SenderClocks();
    const plain = { to: { queue: 'q' }, tries: 0 };
    expect(clocks.restMs({ ...plain, due: START + 300 }, START, 0)).toBe(300);
    expect(clocks.restMs({ ...plain, due: START + 61_000 }, START, 0)).toBe(0);
  });

  it('never ends before its time by a clock that is behind by up to a minute, nor lasts longer than twice by one that agrees', () => {
    const message = fc.record({ behindMs: fc.integer({ min: 0, max: 60_000 }), delayMs: fc.integer({ min: 1, max: 2_000 }), ageMs: fc.integer({ min: 0, max: 2_000 }) });
    fc.assert(fc.property(fc.array(message, { minLength: 1 }), (messages) => {
      for (const one of messages) {
        // A sender of its own each: nothing is known of its clock.
        const rest = new SenderClocks().restMs(delayed(one), START, 0);
        expect(rest + one.ageMs).toBeGreaterThanOrEqual(one.delayMs);
        expect(rest).toBeLessThanOrEqual(one.delayMs);
      }
    }));
  });

  it('remembers a bounded number of senders', () => {
    const clocks = new SenderClocks();
    for (let sender = 0; sender < 5_000; sender++) clocks.restMs(delayed({ by: `sender-${sender}` }), START, 0);
    expect(clocks.size).toBeLessThanOrEqual(2_000);
  });
});

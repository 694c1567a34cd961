import { describe, expect, it } from 'vitest';
import { dueTicks, GRACE_MS, LATE_MS, MOST_MISSED } from '../../../lib/schedules/due-ticks.js';
import { parseRecurrence } from '../../../lib/schedules/recurrence.js';

const MINUTE = 60_000;
const everyMinute = parseRecurrence('* * * * *', undefined, 'it');
const everySecond = parseRecurrence('@every 1s', undefined, 'it');
const start = Date.parse('2026-05-01T00:00:00Z');

describe('ticks that are due', () => {
  it('are those after the last one, up to now, whatever the policy', () => {
    for (const policy of ['skip', 'once', 'all'] as const) {
      expect(dueTicks(everyMinute, start, start + MINUTE - 1, policy)).toEqual({ fire: [] });
      expect(dueTicks(everyMinute, start, start + MINUTE, policy)).toEqual({ fire: [start + MINUTE] });
      expect(dueTicks(everySecond, start, start + 3_500, policy)).toEqual({ fire: [start + 1000, start + 2000, start + 3000] });
    }
  });

  it('all fire where the first of them is only late', () => {
    for (const policy of ['skip', 'once', 'all'] as const) {
      expect(dueTicks(everySecond, start, start + LATE_MS + 999, policy).fire).toHaveLength(5);
    }
  });

  it('still fire within the grace', () => {
    expect(dueTicks(everyMinute, start, start + MINUTE + GRACE_MS - 1, 'skip')).toEqual({ fire: [start + MINUTE] });
  });

  it('are none when the clock was put back', () => {
    expect(dueTicks(everySecond, start, start - 3_600_000, 'all')).toEqual({ fire: [] });
  });
});

describe('ticks that were missed', () => {
  const daily = parseRecurrence('@daily', undefined, 'it');
  const DAY = 86_400_000;
  const now = start + 10 * DAY + DAY / 2;

  it('are skipped, and reported', () => {
    expect(dueTicks(daily, start, now, 'skip')).toEqual({ fire: [], missed: { count: 10, first: start + DAY, last: start + 10 * DAY } });
  });

  it.each(['skip', 'once'] as const)('fire none but the latest after a restart that took longer than a few of them (%s)', (policy) => {
    // Nine at once, before.
    const everyFive = parseRecurrence('@every 5s', undefined, 'it');
    expect(dueTicks(everyFive, start, start + 45_000, policy)).toEqual({ fire: [start + 45_000], missed: { count: 8, first: start + 5_000, last: start + 40_000 } });
    expect(dueTicks(everySecond, start, start + 45_300, policy)).toEqual({ fire: [start + 45_000], missed: { count: 44, first: start + 1_000, last: start + 44_000 } });
  });

  it('fire all after such a restart where that is wanted', () => {
    expect(dueTicks(everySecond, start, start + 45_300, 'all').fire).toHaveLength(45);
  });

  it('fire once: the latest', () => {
    expect(dueTicks(daily, start, now, 'once')).toEqual({ fire: [start + 10 * DAY], missed: { count: 9, first: start + DAY, last: start + 9 * DAY } });
    expect(dueTicks(daily, start, start + DAY + DAY / 2, 'once')).toEqual({ fire: [start + DAY] });
  });

  it('fire once by the latest of the last minute, where there is one', () => {
    const late = start + 10 * DAY + 1_000;
    expect(dueTicks(daily, start, late, 'once')).toEqual({ fire: [start + 10 * DAY], missed: { count: 9, first: start + DAY, last: start + 9 * DAY } });
  });

  it('fire all, oldest first', () => {
    expect(dueTicks(daily, start, now, 'all')).toEqual({ fire: Array.from({ length: 10 }, (_, index) => start + (index + 1) * DAY) });
  });

  it('fire all up to a bound, the latest ones, and nothing counts without end', () => {
    const year = 365 * DAY;
    const { fire, missed } = dueTicks(everySecond, start, start + year, 'all');
    expect({ fired: fire.length, first: fire[0], last: fire.at(-1) }).toEqual({ fired: MOST_MISSED, first: start + year - (MOST_MISSED - 1) * 1000, last: start + year });
    expect(missed).toEqual({ count: MOST_MISSED, first: start + 1000, last: start + year - MOST_MISSED * 1000 });
  });
});

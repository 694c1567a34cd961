import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRecurrence } from '../../../lib/schedules/recurrence.js';

const at = (text: string): number => Date.parse(text);
const iso = (instant: number | undefined): string | undefined => (instant === undefined ? undefined : new Date(instant).toISOString());

function following(text: string, timeZone: string | undefined, from: string, count: number): (string | undefined)[] {
  const recurrence = parseRecurrence(text, timeZone, 'it');
  const ticks: (string | undefined)[] = [];
  let tick: number | undefined = at(from);
  while (ticks.length < count && tick !== undefined) {
    tick = recurrence.next(tick);
    ticks.push(iso(tick));
  }
  return ticks;
}

describe('a cron text', () => {
  it('has five fields, or six with seconds in front', () => {
    expect(following('*/5 * * * *', undefined, '2026-01-01T00:00:00Z', 2)).toEqual(['2026-01-01T00:05:00.000Z', '2026-01-01T00:10:00.000Z']);
    expect(following('*/20 * * * * *', undefined, '2026-01-01T00:00:00.500Z', 3)).toEqual(['2026-01-01T00:00:20.000Z', '2026-01-01T00:00:40.000Z', '2026-01-01T00:01:00.000Z']);
    expect(following('@hourly', undefined, '2026-01-01T00:30:00Z', 1)).toEqual(['2026-01-01T01:00:00.000Z']);
  });

  it('knows months of every length, and leap years', () => {
    expect(following('0 0 31 * *', undefined, '2026-01-31T00:00:00Z', 2)).toEqual(['2026-03-31T00:00:00.000Z', '2026-05-31T00:00:00.000Z']);
    expect(following('0 0 L * *', undefined, '2026-01-31T12:00:00Z', 2)).toEqual(['2026-02-28T00:00:00.000Z', '2026-03-31T00:00:00.000Z']);
    expect(following('0 0 29 2 *', undefined, '2026-01-01T00:00:00Z', 2)).toEqual(['2028-02-29T00:00:00.000Z', '2032-02-29T00:00:00.000Z']);
  });

  it('is in UTC, or in the time zone given beside it or in front of it', () => {
    expect(following('0 9 * * *', undefined, '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-01T09:00:00.000Z']);
    expect(following('0 9 * * *', 'America/New_York', '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-01T14:00:00.000Z']);
    expect(following('TZ=America/New_York 0 9 * * *', undefined, '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-01T14:00:00.000Z']);
  });

  it('comes at the end of the gap where clocks are put forward over its time of day', () => {
    expect(following('30 2 * * *', 'Europe/Berlin', '2026-03-28T02:00:00Z', 2)).toEqual(['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z']);
  });

  it('comes once where its time of day comes twice, for lists of times too', () => {
    expect(following('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual(['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']);
    expect(following('0,30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 3)).toEqual(['2026-10-25T00:00:00.000Z', '2026-10-25T00:30:00.000Z', '2026-10-26T01:00:00.000Z']);
  });

  it('follows real time through both where it repeats', () => {
    expect(following('0 * * * *', 'Europe/Berlin', '2026-10-24T23:30:00Z', 3)).toEqual(['2026-10-25T00:00:00.000Z', '2026-10-25T01:00:00.000Z', '2026-10-25T02:00:00.000Z']);
    expect(following('*/30 * * * *', 'Europe/Berlin', '2026-03-29T00:15:00Z', 3)).toEqual(['2026-03-29T00:30:00.000Z', '2026-03-29T01:00:00.000Z', '2026-03-29T01:30:00.000Z']);
  });

  it.each([
    ['*/5 * * *', undefined, /no schedule/], ['61 * * * *', undefined, /minute: 61/], ['', undefined, /needs a text/], ['* * * * * * 2030', undefined, /no schedule/],
    ['2026-01-01T00:00:00', undefined, /has 1 field;/], ['0 0 30 2 *', undefined, /never comes/], ['* * * * *', 'Mars/Olympus', /time zone .*Mars\/Olympus" is unknown/],
    ['TZ=UTC * * * * *', 'Europe/Berlin', /two time zones/], ['@every', undefined, /no period/], ['@every 10', undefined, /no period/], ['@every 500ms', undefined, /1 second to 366 days/],
    ['@every 1h', 'Europe/Berlin', /counts from 1970/], [5, undefined, /needs a text/], ['@sometimes', undefined, /no schedule/],
  ])('is refused where it cannot be: %s %s', (text, zone, message) => {
    expect(() => parseRecurrence(text, zone, 'schedule of it')).toThrow(message);
    expect(() => parseRecurrence(text, zone, 'schedule of it')).toThrow(/schedule of it/);
  });
});

describe('@every', () => {
  it('counts from 1970, so that every process has the same ticks', () => {
    expect(following('@every 1h30m', undefined, '1970-01-01T00:00:00Z', 2)).toEqual(['1970-01-01T01:30:00.000Z', '1970-01-01T03:00:00.000Z']);
    expect(following('@every 1.5s', undefined, '1970-01-01T00:00:00Z', 2)).toEqual(['1970-01-01T00:00:01.500Z', '1970-01-01T00:00:03.000Z']);
  });
});

describe('ticks', () => {
  const texts = ['*/5 * * * * *', '30 2 * * *', '0 */3 * * *', '15 10 1 * MON', '@every 7s', '0 0 L * *'];
  it('are the same forwards and backwards, wherever one begins', () => {
    fc.assert(fc.property(fc.constantFrom(...texts), fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'),
      fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2028-12-31T00:00:00Z') }), (text, zone, from) => {
        const recurrence = parseRecurrence(text, text.startsWith('@every') ? undefined : zone, 'it');
        const tick = recurrence.next(from) as number;
        expect(tick).toBeGreaterThan(from);
        expect(recurrence.next(tick - 1)).toBe(tick);
        expect(recurrence.previous(tick + 1)).toBe(tick);
        expect(recurrence.previous(tick)).toBeLessThanOrEqual(from);
      }), { numRuns: 300 });
  });
});

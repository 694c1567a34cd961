import { ConfigurationError } from '../errors.js';

const DAY_MS = 86_400_000;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: DAY_MS };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;
const SHORTEST_MS = 1000;
const LONGEST_MS = 366 * DAY_MS;

/** `1h30m` in milliseconds, as Go writes durations. @throws ConfigurationError outside of one second to 366 days */
export function everyMs(duration: string, where: string): number {
  const text = duration.trim();
  const total = DURATION.test(text) ? [...text.matchAll(PART)].reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNITS[unit] ?? NaN), 0) : NaN;
  const whole = Math.round(total);
  if (whole >= SHORTEST_MS && whole <= LONGEST_MS) return whole;
  throw new ConfigurationError(
    `${where}: "@every ${text.slice(0, 60)}" is no period; expected 1 second to 366 days, written as 30s, 5m, 1h30m or 1d.`, { schedule: `@every ${text}` });
}

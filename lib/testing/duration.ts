import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';

/** A span of time; what is given is added up. Fractions are allowed. @publicApi */
export interface Duration {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly milliseconds?: number;
}

const UNITS = { days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1_000, milliseconds: 1 } as const satisfies Record<keyof Duration, number>;

/** @throws ConfigurationError */
export function milliseconds(duration: Duration): number {
  if (typeof duration !== 'object' || duration === null || Object.keys(duration).length === 0) throw noDuration(display(duration));
  let sum = 0;
  for (const [unit, value] of Object.entries(duration) as [keyof Duration, unknown][]) {
    if (!Object.hasOwn(UNITS, unit)) throw noDuration(`the unit "${unit}"`);
    if (typeof value !== 'number' || !(value >= 0) || value === Infinity) throw noDuration(`${unit}: ${display(value)}`);
    sum += value * UNITS[unit];
  }
  return sum;
}

function noDuration(found: string): ConfigurationError {
  return new ConfigurationError(`A span of time was expected, such as { hours: 3 } or { minutes: 1, seconds: 30 }, of ${Object.keys(UNITS).join(', ')}, each 0 or more; found ${found}.`);
}

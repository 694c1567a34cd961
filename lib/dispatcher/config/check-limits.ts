import { ConfigurationError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import { answersAtOnce } from '../../task/option-kinds.js';
import type { KeyLimits, RateLimit, TaskLimitOptions } from '../../worker/limits/limit-options.js';
import { checkCount, MAX_SECONDS, refuseUnknown, requireObject } from './config-checks.js';

const OPTIONS: readonly (keyof TaskLimitOptions)[] = ['process', 'global', 'rate', 'perKey'];
const KEY_OPTIONS: readonly (keyof KeyLimits)[] = ['key', 'process', 'global', 'rate'];
const RATE_OPTIONS: readonly (keyof RateLimit)[] = ['starts', 'perSeconds'];
/** Each start that a period allows is an entry of the backend. */
const MOST_STARTS = 10_000;
const SHORTEST_SECONDS = 0.1;

/** @throws ConfigurationError for a limit that cannot work */
export function checkLimits(limits: TaskLimitOptions | undefined, where: string): TaskLimitOptions | undefined {
  if (limits === undefined) return undefined;
  const option = `limits of ${where}`;
  requireObject(limits, option, '{ global: 10 }');
  refuseUnknown(limits, OPTIONS, option);
  const given: TaskLimitOptions = limits;
  const checked = {
    process: count(given.process, `process in ${option}`), global: count(given.global, `global in ${option}`),
    rate: rateOf(given.rate, option), perKey: perKeyOf(given.perKey, option),
  };
  if ((checked.process ?? checked.global ?? checked.rate ?? checked.perKey) !== undefined) return checked;
  throw new ConfigurationError(`${option} limits nothing. Write at least one of ${OPTIONS.join(', ')}, or leave limits out.`, { option });
}

function perKeyOf(perKey: KeyLimits | undefined, where: string): KeyLimits | undefined {
  if (perKey === undefined) return undefined;
  const option = `perKey in ${where}`;
  requireObject(perKey, option, '{ key: ([customer]) => String(customer), global: 1 }');
  refuseUnknown(perKey, KEY_OPTIONS, option);
  const given: KeyLimits = perKey;
  const { key } = given;
  if (!answersAtOnce.fits(key)) {
    throw new ConfigurationError(`key of ${option} must be a function that answers at once, such as ([customer]) => String(customer); found ${display(key)}.`, { option });
  }
  const checked = { key, process: count(given.process, `process of ${option}`), global: count(given.global, `global of ${option}`), rate: rateOf(given.rate, option) };
  if ((checked.process ?? checked.global ?? checked.rate) !== undefined) return checked;
  throw new ConfigurationError(`${option} limits nothing. Add process, global or rate: { key, global: 1 } runs one at a time of each key.`, { option });
}

function rateOf(rate: RateLimit | undefined, where: string): RateLimit | undefined {
  if (rate === undefined) return undefined;
  const option = `rate in ${where}`;
  requireObject(rate, option, '{ starts: 100, perSeconds: 60 }');
  refuseUnknown(rate, RATE_OPTIONS, option);
  const given: RateLimit = rate;
  const { starts, perSeconds } = given;
  if (!(Number.isSafeInteger(starts) && starts >= 1 && starts <= MOST_STARTS)) {
    throw new ConfigurationError(`starts of ${option} must be a whole number from 1 to ${MOST_STARTS}; found ${display(starts)}. For more, shorten the period: 200 in 1 s are 12,000 in 60 s.`, { option });
  }
  if (!(typeof perSeconds === 'number' && perSeconds >= SHORTEST_SECONDS && perSeconds <= MAX_SECONDS)) {
    throw new ConfigurationError(`perSeconds of ${option} must be a number of seconds from ${SHORTEST_SECONDS} to ${MAX_SECONDS}; found ${display(perSeconds)}.`, { option });
  }
  return { starts, perSeconds };
}

function count(value: unknown, option: string): number | undefined {
  return value === undefined ? undefined : checkCount(value, option, { minimum: 1, fallback: 1 });
}

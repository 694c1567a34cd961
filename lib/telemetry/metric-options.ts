import { ConfigurationError } from '../index.js';
import { DURATION_BUCKETS } from './metric-table.js';

/** What is measured, whoever it is told to. @publicApi */
export interface MetricOptions {
  /**
   * Whether the broker is asked, at each collection, how many tasks wait in the queues, are dead or delayed: a question for
   * each queue. Default: true.
   */
  queues?: boolean;
  /** How long a collection waits for that, in milliseconds, from 10 to 60,000; what has not come by then is left out. Default: 2000. */
  collectTimeoutMs?: number;
  /** Of how many task names, queues, routing keys and so on there are time series of their own, from 1 to 10,000; all others are `other`. Default: 100. */
  mostNames?: number;
  /** The bounds of the histograms of durations, in seconds, ascending. Default: those of the conventions, 0.005 to 10, and 30, 60, 300, 1800. */
  durationBuckets?: number[];
}

export type CheckedMetricOptions = Readonly<Required<MetricOptions>>;

const MOST_BUCKETS = 100;

/** @param of whose options they are, for error texts @throws ConfigurationError */
export function checkMetricOptions({ queues = true, collectTimeoutMs = 2_000, mostNames = 100, durationBuckets = [...DURATION_BUCKETS] }: MetricOptions, of: string): CheckedMetricOptions {
  if (typeof queues !== 'boolean') throw wrong('queues', of, 'true or false', queues);
  if (!isWholeWithin(collectTimeoutMs, 10, 60_000)) throw wrong('collectTimeoutMs', of, 'a whole number from 10 to 60000', collectTimeoutMs);
  if (!isWholeWithin(mostNames, 1, 10_000)) throw wrong('mostNames', of, 'a whole number from 1 to 10000', mostNames);
  if (!areBounds(durationBuckets)) throw wrong('durationBuckets', of, `a list of 1 to ${MOST_BUCKETS} ascending numbers above 0, in seconds`, durationBuckets);
  return { queues, collectTimeoutMs, mostNames, durationBuckets };
}

export function wrong(option: string, of: string, expected: string, found: unknown): ConfigurationError {
  return new ConfigurationError(`${option} of ${of} must be ${expected}; found ${JSON.stringify(found) ?? typeof found}.`, { option });
}

/** What is no option was meant to have an effect. @throws ConfigurationError */
export function refuseUnknown(options: object, known: readonly string[], of: string): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new ConfigurationError(`${of} knows no option "${unknown}"; it knows: ${known.join(', ')}.`, { option: unknown });
}

/** @throws ConfigurationError unless it is a list of names, or absent */
export function checkDispatchers(dispatchers: unknown, of: string): void {
  if (dispatchers === undefined || (Array.isArray(dispatchers) && dispatchers.every((name: unknown) => typeof name === 'string'))) return;
  throw wrong('dispatchers', of, "a list of names such as ['orders']", dispatchers);
}

function isWholeWithin(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function areBounds(bounds: unknown): boolean {
  return Array.isArray(bounds) && bounds.length > 0 && bounds.length <= MOST_BUCKETS
    && bounds.every((bound: unknown, index) => typeof bound === 'number' && Number.isFinite(bound) && bound > (index === 0 ? 0 : bounds[index - 1]));
}

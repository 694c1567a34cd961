import { checkChoice, checkSeconds, refuseUnknown, requireObject } from '../dispatcher/config/config-checks.js';
import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';

/** @publicApi */
export interface TestingOptions {
  /**
   * When tasks run. `automatic`: as in production, as soon as they are due and a worker is free. `manual`: they are kept
   * until `drain()`, `runNext()` or `runAll()`. `inline`: `publish` runs them to the end of their attempt, at once whatever
   * their delay, and throws what they throw. Default: `automatic`.
   */
  readonly mode?: 'automatic' | 'manual' | 'inline';
  /** What time it is at first: a `Date`, an ISO 8601 text or milliseconds since 1970. Default: now. */
  readonly now?: Date | string | number;
  /** `always-twice`: every task that succeeds is delivered once more, as after a crash, to show which handlers may not be repeated. Default: `as-it-comes`. */
  readonly atLeastOnce?: 'as-it-comes' | 'always-twice';
  /**
   * For how many seconds, of the real clock, it is waited for what a handler does in the real world (a query, a file, a
   * timer of its own) before time goes on without it, or `drain` gives up. Default: 5.
   */
  readonly patienceSeconds?: number;
}

export type TestingMode = NonNullable<TestingOptions['mode']>;

export interface ResolvedTestingOptions {
  readonly mode: TestingMode;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly isTwice: boolean;
  readonly patienceMs: number;
}

export const TESTING_MODES: readonly TestingMode[] = ['automatic', 'manual', 'inline'];
const EXAMPLE = "{ mode: 'manual' }";
const AT_LEAST_ONCE = ['as-it-comes', 'always-twice'] as const;

/** @throws ConfigurationError */
export function resolveTestingOptions(options: TestingOptions): ResolvedTestingOptions {
  requireObject(options, 'The options of DispatcherTesting', EXAMPLE);
  const { mode, now = Date.now(), atLeastOnce, patienceSeconds }: TestingOptions = options;
  refuseUnknown(options, ['mode', 'now', 'atLeastOnce', 'patienceSeconds'], 'The options of DispatcherTesting');
  const startMs = new Date(now).getTime();
  if (Number.isNaN(startMs)) throw new ConfigurationError(`now must be a Date, an ISO 8601 text or milliseconds since 1970; found ${display(now)}.`, { option: 'now' });
  return {
    mode: checkChoice(mode, 'mode', TESTING_MODES, 'automatic'),
    startMs,
    isTwice: checkChoice(atLeastOnce, 'atLeastOnce', AT_LEAST_ONCE, 'as-it-comes') === 'always-twice',
    patienceMs: 1_000 * checkSeconds(patienceSeconds, 'patienceSeconds', { fallback: 5, positive: true }),
  };
}

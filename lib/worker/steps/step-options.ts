import { StepError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import { anything, date, numberFromZero, type OptionKind, oneOf, text, wholeWithin } from '../../task/option-kinds.js';
import { checkOptions, type OptionTable } from '../../task/options.js';
import { checkRetryPolicy, type RetryPolicy } from '../../task/retry-policy.js';
import { LONGEST_DELAY_MS } from '../../task/timing.js';

/** @publicApi */
export interface StepOptions {
  /**
   * How often the step is tried within this run, and with which pauses; its slot is held meanwhile. For long pauses leave
   * it to `retry` of the task, whose next attempt finds all finished steps done. Default: once.
   */
  readonly retry?: RetryPolicy;
  /** Which version of its code this is, from 1. Default: what is recorded counts, whichever version recorded it. */
  readonly version?: number;
  /**
   * What becomes of a result that another `version` has recorded. `refuse`: the task is a dead letter, with a
   * `StepVersionError`. `again`: the step is run again, and its result replaced. Default: `refuse`.
   */
  readonly otherVersion?: 'refuse' | 'again';
}

/** How long to sleep: the sum of these, or until a time. @publicApi */
export interface SleepTime {
  readonly seconds?: number;
  readonly minutes?: number;
  readonly hours?: number;
  readonly days?: number;
  /** Instead of the others. A time that has passed is none to wait for. */
  readonly until?: Date;
}

/** @publicApi */
export interface WaitOptions<Value = unknown> {
  /** How long to wait, in seconds, from when the wait is recorded. Default: 2592000, 30 days. At most 6.8 years. */
  readonly timeoutSeconds?: number;
  /** What the wait gives where nothing has come in time. Default: it rejects with `SignalTimeoutError`. */
  readonly otherwise?: Value;
}

const LONGEST_NAME = 200;
const DEFAULT_TIMEOUT_SECONDS = 30 * 86_400;
const LONGEST_SECONDS = Math.floor(LONGEST_DELAY_MS / 1000);
const SECONDS_OF = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 } as const;

const policy: OptionKind = { expected: 'a retry policy, such as { attempts: 3 }', fits: (value) => typeof value === 'object' && value !== null };
const seconds: OptionKind = {
  expected: `a number above 0 and at most ${LONGEST_SECONDS} (6.8 years)`,
  fits: (value) => typeof value === 'number' && value > 0 && value <= LONGEST_SECONDS,
};

const STEP: OptionTable<StepOptions> = { retry: policy, version: wholeWithin(1, Number.MAX_SAFE_INTEGER), otherVersion: oneOf(['refuse', 'again']) };
const SLEEP: OptionTable<SleepTime> = { seconds: numberFromZero, minutes: numberFromZero, hours: numberFromZero, days: numberFromZero, until: date };
const WAIT: OptionTable<WaitOptions> = { timeoutSeconds: seconds, otherwise: anything };

/** @throws StepError */
export function checkStepName(name: unknown, call: string): asserts name is string {
  if (text(LONGEST_NAME).fits(name)) return;
  throw new StepError(`${call} takes the name of the step first, a text of 1 to ${LONGEST_NAME} characters; found ${display(name)}.`, { found: display(name) });
}

/** @throws StepError */
export function checkStepOptions(options: StepOptions | undefined, name: string): StepOptions {
  const checked = checkOptions(options, STEP, { of: `step("${name}")`, example: '{ version: 2 }', Refusal: StepError });
  if (checked.retry !== undefined) checkRetryPolicy(checked.retry, `step("${name}")`);
  return checked;
}

/** Until when, in milliseconds since 1970. @throws StepError */
export function wakeTime(time: SleepTime, name: string, now: number): number {
  const of = `sleep("${name}")`;
  const { until, ...parts } = checkOptions(time, SLEEP, { of, example: '{ days: 3 }', Refusal: StepError });
  const given = Object.entries(parts).filter((part): part is [keyof typeof SECONDS_OF, number] => part[1] !== undefined);
  if ((until === undefined) === (given.length === 0)) {
    throw new StepError(`${of} takes either how long, such as { days: 3 }, or { until: date }; found ${until === undefined ? 'neither' : 'both'}.`, { name });
  }
  const at = until?.getTime() ?? now + Math.ceil(given.reduce((sum, [unit, count]) => sum + count * SECONDS_OF[unit] * 1000, 0));
  if (at - now <= LONGEST_DELAY_MS) return at;
  throw new StepError(`${of} would wait for ${Math.round((at - now) / 1000)} s; at most ${LONGEST_SECONDS} s (6.8 years) can be waited.`, { name });
}

/** @throws StepError */
export function checkWait<Value>(options: WaitOptions<Value> | undefined, name: string): { readonly timeoutMs: number; readonly fallback?: { readonly value: Value | undefined } } {
  const checked = checkOptions(options, WAIT as OptionTable<WaitOptions<Value>>, { of: `waitFor("${name}")`, example: '{ timeoutSeconds: 86400 }', Refusal: StepError });
  const timeoutMs = Math.ceil((checked.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000);
  return { timeoutMs, ...(Object.hasOwn(checked, 'otherwise') ? { fallback: { value: checked.otherwise } } : {}) };
}

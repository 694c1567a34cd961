import { describe, expect, it } from 'vitest';
import { StepError } from '../../../../lib/index.js';
import { checkStepName, checkStepOptions, checkWait, type SleepTime, wakeTime } from '../../../../lib/worker/steps/step-options.js';

describe('what a step is given', () => {
  it('is a name', () => {
    for (const name of ['', 'x'.repeat(201), 1, undefined, null, {}]) expect(() => checkStepName(name, 'step')).toThrow(StepError);
    expect(() => checkStepName('x'.repeat(200), 'step')).not.toThrow();
  });

  it('are options that there are', () => {
    expect(checkStepOptions(undefined, 'a')).toEqual({});
    for (const options of [{ version: 0 }, { version: 1.5 }, { otherVersion: 'ignore' }, { retries: 3 }, { retry: { attempts: 0 } }]) expect(() => checkStepOptions(options as object, 'a')).toThrow();
  });

  it('is a time, by its length or its end', () => {
    expect(wakeTime({ days: 1, hours: 1, minutes: 1, seconds: 1.5 }, 'a', 1_000)).toBe(1_000 + 86_400_000 + 3_600_000 + 60_000 + 1_500);
    expect(wakeTime({ until: new Date(5) }, 'a', 1_000)).toBe(5);
    const wrong: unknown[] = [{}, undefined, 3, { days: -1 }, { days: NaN }, { until: new Date(NaN) }, { until: new Date(), days: 1 }, { weeks: 1 }, { days: 10_000 }];
    for (const time of wrong) expect(() => wakeTime(time as SleepTime, 'a', 0)).toThrow(StepError);
  });

  it('is a limit for a wait, and what it gives then', () => {
    expect(checkWait(undefined, 'a')).toEqual({ timeoutMs: 30 * 86_400_000 });
    expect(checkWait({ timeoutSeconds: 0.5, otherwise: undefined }, 'a')).toEqual({ timeoutMs: 500, fallback: { value: undefined } });
    for (const options of [{ timeoutSeconds: 0 }, { timeoutSeconds: -1 }, { timeoutSeconds: 1e12 }, { timeout: 5 }]) expect(() => checkWait(options as object, 'a')).toThrow(StepError);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Granted, nextPrefetchStep } from '../../../../../lib/brokers/amqp/consuming/prefetch-plan.js';

const full = (quotas: readonly number[]): Granted[] => quotas.map((quota) => ({ quota, outstanding: quota }));

describe('nextPrefetchStep', () => {
  it.each([
    { name: 'starts with one consumer', target: 10, quotas: [], retired: 0, step: { grant: 10 } },
    { name: 'is content', target: 10, quotas: [10], retired: 0, step: undefined },
    { name: 'grows by the difference', target: 100, quotas: [10], retired: 0, step: { grant: 90 } },
    { name: 'shrinks by cancelling', target: 3, quotas: [10], retired: 0, step: { cancelLast: 1 } },
    { name: 'waits while too much is unsettled', target: 3, quotas: [], retired: 8, step: undefined },
    { name: 'takes what room there is when nothing comes', target: 3, quotas: [], retired: 2, step: { grant: 1 } },
    { name: 'does not bother for little room', target: 100, quotas: [60], retired: 30, step: undefined },
    { name: 'fills up when nothing is retired any more', target: 3, quotas: [1], retired: 0, step: { grant: 2 } },
    { name: 'draws many consumers together', target: 7, quotas: [1, 1, 1, 1, 1, 1], retired: 0, step: { cancelLast: 6 } },
    { name: 'ends with target 0', target: 0, quotas: [4, 4], retired: 1, step: { cancelLast: 2 } },
    { name: 'stays ended', target: 0, quotas: [], retired: 1, step: undefined },
  ])('$name', ({ target, quotas, retired, step }) => {
    expect(nextPrefetchStep(target, full(quotas), retired, false)).toEqual(step);
  });

  it.each([
    { name: 'leaves the first, where it may have so many beside what the others leave behind', target: 25, outstanding: [10, 2, 3, 0], retired: 1, step: { cancelLast: 2 } },
    { name: 'cancels all, where the others leave too many behind', target: 25, outstanding: [10, 0, 16, 0], retired: 0, step: { cancelLast: 4 } },
    { name: 'counts what earlier ones have left behind', target: 25, outstanding: [0, 0, 3, 0], retired: 13, step: { cancelLast: 4 } },
  ])('$name', ({ target, outstanding, retired, step }) => {
    const grants = [10, 10, 40, 5].map((quota, i) => ({ quota, outstanding: outstanding[i]! }));
    expect(nextPrefetchStep(target, grants, retired, true)).toEqual(step);
  });

  it('takes even little room when the target was just changed', () => {
    expect(nextPrefetchStep(26, full([1]), 24, true)).toEqual({ grant: 1 });
  });

  it('never grants more than the target leaves', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 6 }), fc.nat(500), fc.boolean(), (target, quotas, retired, eager) => {
        const step = nextPrefetchStep(target, full(quotas), retired, eager);
        if (step === undefined || !('grant' in step)) return;
        const granted = quotas.reduce((sum, quota) => sum + quota, 0) + retired;
        expect(step.grant).toBeGreaterThan(0);
        expect(granted + step.grant).toBeLessThanOrEqual(target);
      }),
    );
  });

  it('never leaves more behind, with what may still come, than the target', () => {
    const grants = fc.array(fc.integer({ min: 1, max: 200 }).chain((quota) => fc.record({ quota: fc.constant(quota), outstanding: fc.nat(quota) })), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.nat(500), grants, fc.nat(300), (target, all, retired) => {
        const step = nextPrefetchStep(target, all, retired, true);
        if (step === undefined || !('cancelLast' in step) || step.cancelLast === all.length) return;
        const kept = all.slice(0, -step.cancelLast).reduce((sum, { quota }) => sum + quota, 0);
        const left = all.slice(-step.cancelLast).reduce((sum, { outstanding }) => sum + outstanding, 0);
        expect(kept + left + retired).toBeLessThanOrEqual(target);
      }),
    );
  });
});

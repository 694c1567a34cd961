import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextPrefetchStep } from '../../../../../lib/brokers/amqp/consuming/prefetch-plan.js';

describe('nextPrefetchStep', () => {
  it.each([
    { name: 'starts with one consumer', target: 10, quotas: [], retired: 0, step: { grant: 10 } },
    { name: 'is content', target: 10, quotas: [10], retired: 0, step: undefined },
    { name: 'grows by the difference', target: 100, quotas: [10], retired: 0, step: { grant: 90 } },
    { name: 'shrinks by cancelling', target: 3, quotas: [10], retired: 0, step: { cancelAll: true } },
    { name: 'waits while too much is unsettled', target: 3, quotas: [], retired: 8, step: undefined },
    { name: 'takes what room there is when nothing comes', target: 3, quotas: [], retired: 2, step: { grant: 1 } },
    { name: 'does not bother for little room', target: 100, quotas: [60], retired: 30, step: undefined },
    { name: 'fills up when nothing is retired any more', target: 3, quotas: [1], retired: 0, step: { grant: 2 } },
    { name: 'draws many consumers together', target: 7, quotas: [1, 1, 1, 1, 1, 1], retired: 0, step: { cancelAll: true } },
    { name: 'ends with target 0', target: 0, quotas: [4, 4], retired: 1, step: { cancelAll: true } },
    { name: 'stays ended', target: 0, quotas: [], retired: 1, step: undefined },
  ])('$name', ({ target, quotas, retired, step }) => {
    expect(nextPrefetchStep(target, quotas, retired, false)).toEqual(step);
  });

  it('takes even little room when the target was just changed', () => {
    expect(nextPrefetchStep(26, [1], 24, true)).toEqual({ grant: 1 });
  });

  it('never grants more than the target leaves', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 6 }), fc.nat(500), fc.boolean(), (target, quotas, retired, eager) => {
        const step = nextPrefetchStep(target, quotas, retired, eager);
        if (step === undefined || !('grant' in step)) return;
        const granted = quotas.reduce((sum, quota) => sum + quota, 0) + retired;
        expect(step.grant).toBeGreaterThan(0);
        expect(granted + step.grant).toBeLessThanOrEqual(target);
      }),
    );
  });
});

import { expect, it } from 'vitest';
import type { OpenPage } from '../../../bench/page/open-page.js';
import { percentile, phaseOf } from '../../../bench/page/phases.js';

it.each([
  [[5], 0.99, 5], [[4, 1, 3, 2], 0.5, 2], [[4, 1, 3, 2], 0.99, 4], [Array.from({ length: 100 }, (_, index) => index + 1), 0.99, 99], [[], 0.5, undefined],
])('of %j the value that a share of %d do not exceed is %d', (values, share, expected) => {
  expect(percentile(values, share)).toBe(expected);
});

it.each([true, false])('a phase counts what the backlog loses, with a page that is open: %s', async (isOpen) => {
  const calls: string[] = [];
  const page = { looks: [900], open: () => { calls.push('open'); page.looks.push(7); }, close: () => calls.push('close') };
  const depths = [1_000, 400];
  const begun = performance.now();
  const phase = await phaseOf(isOpen, 0.2, page as unknown as OpenPage, () => {
    calls.push('depth');
    return Promise.resolve(depths.shift() ?? 0);
  });
  expect(calls).toEqual([...(isOpen ? ['open'] : []), 'depth', 'depth', 'close']);
  expect(phase).toMatchObject({ isOpen, looks: [] });
  // Of the time that it took: more than a fifth of a second, but for what a timer may be early, and less than all of this.
  const seconds = 600 / phase.rate;
  expect(seconds).toBeGreaterThan(0.19);
  expect(seconds).toBeLessThanOrEqual((performance.now() - begun) / 1_000);
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HeldReleases } from '../../../lib/claims/held-releases.js';

const HOLD_MS = 60_000;

function held() {
  const removed: string[] = [];
  const state = { isHeard: true };
  const releases = new HeldReleases({ holdMs: HOLD_MS, isHeard: () => state.isHeard, remove: (key) => { removed.push(key); return Promise.resolve(); } });
  return { releases, removed, state };
}

describe('bodies of tasks that are done', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are removed after a while, each in its time', () => {
    const { releases, removed } = held();
    releases.add('a');
    vi.advanceTimersByTime(HOLD_MS / 2);
    releases.add('b');
    expect(removed).toEqual([]);
    vi.advanceTimersByTime(HOLD_MS / 2);
    expect(removed).toEqual(['a']);
    vi.advanceTimersByTime(HOLD_MS);
    expect(removed).toEqual(['a', 'b']);
  });

  it('stay where the task came again, and while the broker may not have heard of their end', () => {
    const { releases, removed, state } = held();
    releases.add('a');
    releases.add('b');
    releases.takeBack('a');
    state.isHeard = false;
    vi.advanceTimersByTime(10 * HOLD_MS);
    expect(removed).toEqual([]);
    state.isHeard = true;
    vi.advanceTimersByTime(HOLD_MS);
    expect(removed).toEqual(['b']);
  });

  it('are removed at the end, where the broker has heard of them', async () => {
    const { releases, removed } = held();
    for (let count = 0; count < 20; count++) releases.add(`${count}`);
    await releases.close(1_000);
    expect(removed).toHaveLength(20);
    const lost = held();
    lost.releases.add('a');
    lost.state.isHeard = false;
    await lost.releases.close(1_000);
    expect(lost.removed).toEqual([]);
  });

  it('are not held without bound', () => {
    const { releases, removed } = held();
    for (let count = 0; count < 1_005; count++) releases.add(`${count}`);
    expect(removed).toEqual(['0', '1', '2', '3', '4']);
  });
});

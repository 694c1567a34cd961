import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Steps } from '../../../../lib/worker/steps/steps.js';
import { FakeBackend } from '../limits/shared/fake-backend.js';

const TAKEOVER_MS = 3_000;

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

it('a process of a large fleet, which is asked seldom, believes in the end that another is dead', async () => {
  const backend = new FakeBackend();
  const steps = new Steps({ exchange: 'x', backend: () => Promise.resolve(backend.port), takeoverMs: TAKEOVER_MS, keepMs: 60_000, onProblem: () => undefined });
  const lives = async (): Promise<boolean> => {
    const asking = steps.lives({ process: 'dead', run: 'r' });
    await vi.advanceTimersByTimeAsync(1);
    return asking;
  };
  expect(await lives()).toBe(true);
  await vi.advanceTimersByTimeAsync(20 * TAKEOVER_MS);
  expect(await lives()).toBe(false);
  await steps.close(1_000);
  expect(vi.getTimerCount()).toBe(0);
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Permits } from '../../../../../lib/worker/limits/shared/permits.js';
import { FakeBackend } from './fake-backend.js';
import { itemAt } from '../../../../support/present.js';

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

/** Repeatable chance. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const after = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Several processes with an endless supply of tasks, for so long; when each start was. */
async function starts(backend: FakeBackend, rate: { starts: number; perSeconds: number }, forMs: number, random: () => number, processes = 3): Promise<number[]> {
  const started: number[] = [];
  const end = performance.now() + forMs;
  const host = { backend: () => Promise.resolve(backend.port) };
  for (let index = 0; index < processes; index++) {
    const permits = new Permits(host, 'rate', rate, random);
    const task = async (): Promise<void> => {
      while (performance.now() < end) {
        if (await permits.take().catch(() => undefined) !== undefined) started.push(performance.now());
        await after(Math.min(permits.turn(), 500) * random() + 1);
      }
    };
    for (let tasks = 0; tasks < 4; tasks++) void task();
  }
  await vi.advanceTimersByTimeAsync(forMs + 60_000);
  return started.sort((a, b) => a - b);
}

describe('the rate of starts over all processes', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))('is kept in any period, wherever it begins (case %i)', async (seed) => {
    const random = chance(seed * 7919 + 1);
    const backend = new FakeBackend();
    const rate = { starts: 1 + Math.floor(random() * 12), perSeconds: 0.2 + random() * 3 };
    const slowestMs = itemAt([2, 20, 80, 400], seed % 4);
    backend.latencyMs = () => random() * slowestMs;
    backend.fault = () => (random() < 0.05 ? (random() < 0.5 ? 'before' : 'after') : undefined);
    const times = await starts(backend, rate, rate.perSeconds * 8_000 + 10_000, random);
    const periodMs = rate.perSeconds * 1000;
    for (const [index, time] of times.slice(rate.starts).entries()) expect(time - itemAt(times, index)).toBeGreaterThanOrEqual(periodMs);
    // However slow the backend is, it does not come to a standstill.
    expect(times.length).toBeGreaterThan(rate.starts);
  });

  it('is made use of where there is more to do than may start', async () => {
    const random = chance(1);
    const backend = new FakeBackend();
    backend.latencyMs = () => 1;
    const times = await starts(backend, { starts: 20, perSeconds: 2 }, 20_000, random);
    // 20 in each of ten periods, less what the grace and the turns cost.
    expect(times.length).toBeGreaterThan(160);
  });

  it('asks the backend hardly ever while all is used up', async () => {
    const backend = new FakeBackend();
    const permits = new Permits({ backend: () => Promise.resolve(backend.port) }, 'rate', { starts: 100, perSeconds: 60 });
    for (let index = 0; index < 10_000; index++) await permits.take();
    expect(backend.operations).toBe(100);
    expect(await permits.take()).toBeUndefined();
  });

  it('learns what others have taken, and when it is free again', async () => {
    const backend = new FakeBackend();
    const host = { backend: () => Promise.resolve(backend.port) };
    const rate = { starts: 50, perSeconds: 10 };
    const [one, other] = [new Permits(host, 'rate', rate), new Permits(host, 'rate', rate)];
    for (let index = 0; index < 50; index++) expect(await one.take()).toBeDefined();
    for (let index = 0; index < 1_000; index++) expect(await other.take()).toBeUndefined();
    // Each ticket is looked at once, not once for each task.
    expect(backend.operations).toBe(100);
    expect(other.turn()).toBeGreaterThan(9_000);
    await vi.advanceTimersByTimeAsync(10_500);
    expect(await other.take()).toBeDefined();
  });

  it('counts no start that did not come about', async () => {
    const backend = new FakeBackend();
    const permits = new Permits({ backend: () => Promise.resolve(backend.port) }, 'rate', { starts: 1, perSeconds: 60 });
    const giveBack = await permits.take();
    expect(await permits.take()).toBeUndefined();
    await giveBack?.();
    expect(await permits.take()).toBeDefined();
  });
});

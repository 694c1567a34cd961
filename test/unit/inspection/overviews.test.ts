import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Asker } from '../../../lib/inspection/asking/asker.js';
import { Overviews } from '../../../lib/inspection/overviews.js';
import type { QueueSource } from '../../../lib/inspection/queues-report.js';
import { TestBus } from '../../support/test-bus.js';

describe('overviews', () => {
  let asked: number;
  let overviews: Overviews;
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
    asked = 0;
    const none = (): Promise<undefined> => Promise.resolve(undefined);
    const lastingQueues: QueueSource = {
      known: () => [], depth: none, oldestSince: none, dead: none, undelivered: none, delayed: () => Promise.resolve(0), pauses: () => Promise.resolve([]), now: Date.now,
    };
    overviews = new Overviews({
      asker: new Asker({ broker: new TestBus(), id: 'me', own: () => undefined, now: Date.now }), lastingQueues, now: Date.now,
      ready: () => { asked += 1; return Promise.resolve(); },
    });
  });
  afterEach(() => { vi.useRealTimers(); });

  const look = async (): Promise<void> => {
    const looking = overviews.look({ timeoutMs: 100 });
    await vi.advanceTimersByTimeAsync(200);
    await looking;
  };

  it('asks once for those who look at the same time', async () => {
    await Promise.all([look(), look()]);
    expect(asked).toBe(1);
  });

  it('asks again for who looks later', async () => {
    await look();
    await vi.advanceTimersByTimeAsync(1_000);
    await look();
    expect(asked).toBe(2);
  });

  it('asks again for who looks later, though the clock was set back meanwhile', async () => {
    await look();
    vi.setSystemTime(Date.UTC(2025, 0, 1));
    await vi.advanceTimersByTimeAsync(1_000);
    await look();
    expect(asked).toBe(2);
  });
});

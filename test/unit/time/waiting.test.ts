import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ResultWaitTimeoutError } from '../../../lib/errors.js';
import type { StateBackend } from '../../../lib/state/state-backend.js';
import { MemoryData } from '../../../lib/state/embedded/memory-data.js';
import { waitForEnd, type ResultReader } from '../../../lib/results/result-reader.js';
import { makeStopper } from '../../../lib/time/stopper.js';
import { Workflows, type WorkflowsDependencies } from '../../../lib/workflows/workflows.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const UUID = '6ba7b810-9dad-41d1-80b4-00c04fd430c8';

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

describe('waiting for a result', () => {
  const silent: ResultReader = { read: () => Promise.resolve(undefined), watch: () => () => undefined };

  /** Reproduces: a limit beyond 2^31-1 ms, or of Infinity, had it reject at once. */
  it.each([2 ** 31, 30 * DAY_MS, Infinity])('goes on for %d ms', async (timeoutMs) => {
    const stopper = makeStopper();
    const ended = vi.fn();
    const waiting = waitForEnd(silent, 'u', timeoutMs, stopper.signal).catch(ended);
    await vi.advanceTimersByTimeAsync(2 ** 31 - 1);
    expect(ended).not.toHaveBeenCalled();
    if (timeoutMs === Infinity) stopper.abort(new Error('closing'));
    else await vi.advanceTimersByTimeAsync(timeoutMs - 2 ** 31 + 1);
    await waiting;
    expect(ended).toHaveBeenCalledWith(timeoutMs === Infinity ? expect.objectContaining({ message: 'closing' }) : expect.any(ResultWaitTimeoutError));
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('waiting for a workflow', () => {
  /** Reproduces: the eleventh who waited had Node warn of a leak. */
  it('may be done by any number at once, for any time', async () => {
    const warn = vi.fn();
    process.on('warning', warn);
    const backend = { watch: () => () => undefined } as unknown as StateBackend;
    const workflows = new Workflows({
      backend: () => Promise.resolve(backend), ready: () => Promise.resolve(), now: () => 0, expiresInMs: HOUR_MS, emit: () => undefined,
    } as unknown as WorkflowsDependencies);
    const waiting = Array.from({ length: 50 }, () => workflows.handle(UUID).result({ timeoutSeconds: Infinity }).catch((error: unknown) => error));
    await vi.advanceTimersByTimeAsync(DAY_MS);
    workflows.close();
    const ends = await Promise.all(waiting);
    vi.useRealTimers();
    await new Promise((resolve) => { setImmediate(resolve); });
    process.off('warning', warn);
    expect(ends).toEqual(Array(50).fill(expect.objectContaining({ code: 'ERR_DISPATCHER_SHUTDOWN' })));
    expect(warn).not.toHaveBeenCalled();
  });
});

describe('what is kept in memory for a time', () => {
  /** Reproduces: after a step back of the clock, keys and places were held until it had caught up. */
  it.each([['back an hour', -HOUR_MS], ['forward a day', DAY_MS]])('lasts that time, though the clock is set %s', (_name, step) => {
    const data = new MemoryData(10_000);
    data.putValue('key', Buffer.from('x'), 10_000);
    vi.setSystemTime(Date.now() + step);
    vi.advanceTimersByTime(9_900);
    expect(data.find('key')).toBeDefined();
    vi.advanceTimersByTime(200);
    expect(data.find('key')).toBeUndefined();
    data.stop();
  });
});

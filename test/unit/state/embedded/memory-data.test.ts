import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ResultBackendError } from '../../../../lib/errors.js';
import { MemoryData } from '../../../../lib/state/embedded/memory-data.js';

describe('results in memory', () => {
  beforeEach(() => { vi.useFakeTimers(); });
  afterEach(() => { vi.useRealTimers(); });

  it('leave nothing behind once they have expired, though nobody asks', () => {
    const data = new MemoryData(1_000_000);
    for (let index = 0; index < 100; index++) data.putValue(`v${index}`, Buffer.alloc(100), 1000 + index * 10);
    for (let index = 0; index < 100; index++) data.addMember('set', `m${index}`, Buffer.alloc(100), 2000);
    data.putValue('for ever', Buffer.alloc(1), undefined);
    expect(data.size).toBe(102);
    vi.advanceTimersByTime(5_000);
    expect(data.size).toBe(1);
    // The memory is free again: all of it fits once more.
    for (let index = 0; index < 2000; index++) data.putValue(`again${index}`, Buffer.alloc(200), 1000);
    data.stop();
  });

  it('live on when they are written again', () => {
    const data = new MemoryData(1_000_000);
    data.putValue('k', Buffer.alloc(1), 1000);
    vi.advanceTimersByTime(900);
    data.putValue('k', Buffer.alloc(1), 1000);
    vi.advanceTimersByTime(900);
    expect(data.find('k')).toBeDefined();
    vi.advanceTimersByTime(200);
    expect(data.find('k')).toBeUndefined();
    data.stop();
  });

  it('have a limit, which does not harm what is there', () => {
    const data = new MemoryData(10_000);
    data.putValue('k', Buffer.alloc(5_000), 1000);
    expect(() => data.putValue('l', Buffer.alloc(5_000), 1000)).toThrow(ResultBackendError);
    expect(() => data.addMember('s', 'm', Buffer.alloc(5_000), 1000)).toThrow(ResultBackendError);
    data.putValue('k', Buffer.alloc(9_000), 1000);
    data.remove('k');
    data.putValue('l', Buffer.alloc(5_000), 1000);
    expect(data.find('s')).toBeUndefined();
    data.stop();
  });
});

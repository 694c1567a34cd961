import { describe, expect, it } from 'vitest';
import { BatchRoom } from '../../../../lib/worker/batches/batch-room.js';

describe('the room for batches', () => {
  it('is none before a batch, one batch more than is held then, and doubles while more is needed', () => {
    const room = new BatchRoom();
    expect(room.current).toBe(0);
    expect([room.need(1, 100, 10), room.current]).toEqual([true, 101]);
    expect([room.need(1, 100, 10), room.current]).toEqual([false, 101]);
    expect([room.need(2, 100, 10), room.current]).toEqual([true, 202]);
    expect([room.need(102, 100, 10), room.current]).toEqual([false, 202]);
  });

  it('is never more than the slots and one batch beside them could take, or 60,000', () => {
    const room = new BatchRoom();
    for (let held = 1; held < 5_000; held++) room.need(held, 100, 3);
    expect(room.current).toBe(400);
    const large = new BatchRoom();
    for (let held = 1; held < 1_000_000; held += 500) large.need(held, 10_000, 100);
    expect(large.current).toBe(60_000);
  });

  it('is that of the largest of several', () => {
    const room = new BatchRoom();
    room.need(1, 100, 10);
    room.need(2, 5, 10);
    expect(room.current).toBe(202);
  });

  it('shrinks to what is held where others want what waits', () => {
    const room = new BatchRoom();
    room.need(1, 100, 10);
    expect([room.shrink(3), room.current, room.shrink(3)]).toEqual([true, 3, false]);
    expect([room.need(4, 100, 10), room.current]).toEqual([true, 104]);
  });
});

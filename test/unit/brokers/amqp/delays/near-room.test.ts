import { describe, expect, it } from 'vitest';
import { FIRST_PREFETCH, NearRoom } from '../../../../../lib/brokers/amqp/delays/near-room.js';

function full(room: NearRoom, others: { bytes?: number; isBehind?: boolean } = {}): boolean {
  return room.widen({ outstanding: room.prefetch, bytes: 0, isBehind: false, ...others });
}

describe('how much of what is due soon a process has in hand', () => {
  it('is twice as much where all of it waits, up to a limit', () => {
    const room = new NearRoom();
    expect(room.widen({ outstanding: FIRST_PREFETCH - 1, bytes: 0, isBehind: false })).toBe(false);
    let times = 0;
    for (; full(room); times++) expect(room.prefetch).toBe(Math.min(16_384, FIRST_PREFETCH * 2 ** (times + 1)));
    expect(room.prefetch).toBe(16_384);
  });

  it('is no more where something is due and not gone, or bodies take much memory', () => {
    const room = new NearRoom();
    expect(full(room, { isBehind: true })).toBe(false);
    expect(full(room, { bytes: 64 * 1024 * 1024 })).toBe(false);
    expect(room.prefetch).toBe(FIRST_PREFETCH);
  });

  it('is half as much, once a second, where it came late, and never less than at first', () => {
    const room = new NearRoom();
    for (let times = 0; times < 3; times++) full(room);
    expect([room.fellBehind(0), room.fellBehind(500), room.fellBehind(1_001), room.fellBehind(2_002), room.fellBehind(3_003)]).toEqual([true, false, true, true, false]);
    expect(room.prefetch).toBe(FIRST_PREFETCH);
  });

  it('becomes less where it is not needed any more', () => {
    const room = new NearRoom();
    full(room);
    full(room);
    expect(room.lookBack(0)).toBe(false);
    expect([room.lookBack(0), room.lookBack(0), room.lookBack(0)]).toEqual([true, true, false]);
    expect(room.prefetch).toBe(FIRST_PREFETCH);
  });
});

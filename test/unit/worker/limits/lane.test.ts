import { describe, expect, it } from 'vitest';
import { Lane } from '../../../../lib/worker/limits/lane.js';

function laneWithMean(size: number, mean: number): Lane {
  const lane = new Lane(size);
  lane.enter();
  lane.leave(mean);
  return lane;
}

describe('a lane', () => {
  it('is full at its size', () => {
    const lane = new Lane(2);
    lane.enter();
    expect(lane.isFull).toBe(false);
    lane.enter();
    expect(lane.isFull).toBe(true);
    lane.leave(1);
    expect(lane.isFull).toBe(false);
  });

  it('gives those who wait turns as far apart as tasks end', () => {
    const lane = laneWithMean(2, 1000);
    expect([0, 0, 0, 0].map((now) => lane.turn(now, 0.5))).toEqual([500, 1000, 1500, 2000]);
    expect(lane.turn(10_000, 0.5)).toBe(500);
  });

  it('keeps nobody away for much more than a minute, and spreads those beyond', () => {
    const lane = laneWithMean(1, 50_000);
    expect([lane.turn(0, 0), lane.turn(0, 0)]).toEqual([5_000, 55_000]);
    expect([lane.turn(0, 0), lane.turn(0, 1)]).toEqual([35_000, 65_000]);
  });

  it('learns nothing from those who did not run', () => {
    const lane = laneWithMean(1, 1000);
    lane.enter();
    lane.leave(undefined);
    expect([lane.turn(0, 0.5), lane.turn(0, 0.5)]).toEqual([500, 1500]);
  });

  it('asks nobody to come back at once, however short tasks are', () => {
    expect(laneWithMean(1, 0.01).turn(0, 0.5)).toBe(100);
  });
});

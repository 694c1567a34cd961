import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DelayedHeap } from '../../../../lib/time/delayed-heap.js';
import { DueTimer, dueTime } from '../../../../lib/brokers/embedded/due-timer.js';
import { ManualClock } from './manual-clock.js';

describe('DelayedHeap', () => {
  it('gives by due time, and in the order of arrival where that is equal', () => {
    fc.assert(fc.property(fc.array(fc.nat(20)), (dueTimes) => {
      const heap = new DelayedHeap<{ dueAt: number; order: number }>();
      const items = dueTimes.map((dueAt, order) => ({ dueAt, order }));
      for (const item of items) heap.push(item);
      const out = items.map(() => heap.pop());
      expect(out).toEqual([...items].sort((a, b) => a.dueAt - b.dueAt || a.order - b.order));
      expect([heap.size, heap.peek(), heap.pop()]).toEqual([0, undefined, undefined]);
    }));
  });
});

describe('DueTimer', () => {
  it('has one timer, for the earliest', () => {
    const clock = new ManualClock();
    const fired: number[] = [];
    const timer = new DueTimer(clock, () => fired.push(clock.now()));
    const start = clock.now();
    for (const wait of [500, 300, 900]) timer.setAtLatest(start + wait);
    expect(clock.pending).toBe(1);
    clock.pass(299);
    expect(fired).toEqual([]);
    clock.pass(1);
    expect(fired).toEqual([start + 300]);
    expect(clock.pending).toBe(0);
  });

  it('is never early when the clock is set back while it waits', () => {
    const clock = new ManualClock();
    let fired = 0;
    const timer = new DueTimer(clock, () => fired++);
    const due = clock.now() + 100;
    timer.setAtLatest(due);
    clock.set(due - 5_000);
    clock.pass(5_099 - 100);
    expect(fired).toBe(0);
    clock.pass(200);
    expect(fired).toBe(1);
  });

  it('waits for months, beyond what a timer of the system can', () => {
    const clock = new ManualClock();
    let fired = 0;
    const timer = new DueTimer(clock, () => fired++);
    const months = 90 * 24 * 3_600_000;
    timer.setAtLatest(clock.now() + months);
    clock.pass(months - 1);
    expect(fired).toBe(0);
    clock.pass(1);
    expect(fired).toBe(1);
  });

  it('does not fire after it was stopped', () => {
    const clock = new ManualClock();
    let fired = 0;
    const timer = new DueTimer(clock, () => fired++);
    timer.setAtLatest(clock.now() + 10);
    timer.stop();
    clock.pass(1_000);
    expect([fired, clock.pending]).toEqual([0, 0]);
  });
});

describe('dueTime', () => {
  it.each([[1, 2], [0.5, 2], [1000, 1001]])('counts the part of a millisecond that the clock does not show: %s', (delayMs, later) => {
    const clock = new ManualClock();
    expect(dueTime(clock, delayMs) - clock.now()).toBe(later);
  });
});

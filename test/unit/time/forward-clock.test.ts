import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueTimer, dueTime } from '../../../lib/brokers/embedded/due-timer.js';
import { forwardClock } from '../../../lib/time/forward-clock.js';
import { ManualClock } from '../brokers/embedded/manual-clock.js';

const HOUR = 3_600_000;

/** A machine whose clock can be set; its monotonic one cannot. */
class Machine {
  wall = 1_800_000_000_000;
  monotonic = 5_000;

  readonly now = forwardClock(() => this.wall, () => this.monotonic);

  pass(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }
}

describe('forwardClock', () => {
  it('shows what the machine shows, and follows it forward', () => {
    const machine = new Machine();
    expect(machine.now()).toBe(machine.wall);
    machine.pass(1_234);
    expect(machine.now()).toBe(machine.wall);
    machine.wall += 24 * HOUR;
    expect(machine.now()).toBe(machine.wall);
  });

  it('goes on at the same pace when the machine is set back', () => {
    const machine = new Machine();
    const before = machine.now();
    machine.wall -= HOUR;
    machine.pass(700);
    expect(machine.now()).toBe(before + 700);
    machine.pass(2 * HOUR);
    expect(machine.now()).toBe(before + 2 * HOUR + 700);
  });

  it('never goes back, and never stands still, whatever is set when', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: -10 * HOUR, max: 10 * HOUR }), fc.nat(60_000))), (steps) => {
      const machine = new Machine();
      let last = machine.now();
      for (const [set, ms] of steps) {
        machine.wall += set;
        machine.pass(ms);
        const now = machine.now();
        expect(now).toBeGreaterThanOrEqual(last + ms);
        last = now;
      }
    }));
  });

  /** Defect: a delay of a second on an embedded broker lasted an hour when the machine's clock was set back by one. */
  it('lets a delay last as long as it was meant to', () => {
    const machine = new Machine();
    const timers = new ManualClock(0);
    const clock = { now: machine.now, wall: () => machine.wall, after: timers.after, look: timers.look };
    const pass = (ms: number): void => { machine.pass(ms); timers.pass(ms); };
    let fired = 0;
    new DueTimer(clock, () => fired++).setAtLatest(dueTime(clock, 1_000));
    pass(400);
    machine.wall -= HOUR;
    pass(600);
    expect(fired).toBe(0);
    pass(1);
    expect(fired).toBe(1);
  });
});

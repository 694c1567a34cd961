import { describe, expect, it } from 'vitest';
import { InvalidTaskError } from '../../../../lib/errors.js';
import { GiveBack } from '../../../../lib/worker/give-back.js';
import { TaskLimits } from '../../../../lib/worker/limits/task-limits.js';

describe('limits of a task', () => {
  it('let in as many as the limit says', () => {
    const limits = new TaskLimits('x', { limit: 2 });
    const leave = limits.enter([]);
    limits.enter([]);
    expect(() => limits.enter([])).toThrow(GiveBack);
    expect(() => limits.enter([])).toThrow('Task "x" waits: 2 are running (limit).');
    leave();
    limits.enter([]);
  });

  it('let in one at a time of each key, and any number without one', () => {
    const limits = new TaskLimits('x', { limitKey: ([customer]) => customer as string | undefined });
    const leave = limits.enter(['a']);
    limits.enter(['b']);
    limits.enter([undefined]);
    limits.enter([undefined]);
    expect(() => limits.enter(['a'])).toThrow('another with the key "a" is running (limitKey)');
    leave();
    limits.enter(['a']);
  });

  it('take nothing where one of both is full', () => {
    const limits = new TaskLimits('x', { limit: 1, limitKey: ([key]) => String(key) });
    const leave = limits.enter(['a']);
    expect(() => limits.enter(['b'])).toThrow(/1 are running/);
    leave();
    limits.enter(['b'])();
    limits.enter(['a']);
  });

  it('refuse a key that is none', () => {
    expect(() => new TaskLimits('x', { limitKey: () => 5 as never }).enter([])).toThrow(InvalidTaskError);
  });

  it('forget keys that nobody uses', () => {
    const limits = new TaskLimits('x', { limitKey: ([key]) => String(key) });
    const leave = limits.enter(['kept']);
    for (let i = 0; i < 20_000; i++) limits.enter([i])();
    expect(limits['keys'].size).toBeLessThanOrEqual(1_001);
    expect(() => limits.enter(['kept'])).toThrow(GiveBack);
    leave();
  });
});

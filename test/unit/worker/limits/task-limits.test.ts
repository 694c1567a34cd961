import { describe, expect, it } from 'vitest';
import { InvalidTaskError } from '../../../../lib/errors.js';
import { GiveBack } from '../../../../lib/worker/give-back.js';
import { TaskLimits } from '../../../../lib/worker/limits/task-limits.js';

describe('limits of a task', () => {
  it('let in as many as the limit says', () => {
    const limits = new TaskLimits('x', { process: 2 });
    const leave = limits.enter([]);
    limits.enter([]);
    expect(() => limits.enter([])).toThrow(GiveBack);
    expect(() => limits.enter([])).toThrow('Task "x" waits: 2 run in this process (limits.process).');
    leave(true);
    limits.enter([]);
  });

  it('let in one at a time of each key, and any number without one', () => {
    const limits = new TaskLimits('x', { perKey: { key: ([customer]) => customer as string | undefined, process: 1 } });
    const leave = limits.enter(['a']);
    limits.enter(['b']);
    limits.enter([undefined]);
    limits.enter([undefined]);
    expect(() => limits.enter(['a'])).toThrow('1 with the key "a" run in this process (limits.perKey.process)');
    leave(true);
    limits.enter(['a']);
  });

  it('take nothing where one of both is full', () => {
    const limits = new TaskLimits('x', { process: 1, perKey: { key: ([key]) => String(key), process: 1 } });
    const leave = limits.enter(['a']);
    expect(() => limits.enter(['b'])).toThrow(/1 run in this process/);
    leave(true);
    limits.enter(['b'])(true);
    limits.enter(['a']);
  });

  it('refuse a key that is none', () => {
    expect(() => new TaskLimits('x', { perKey: { key: () => 5 as never, process: 1 } }).enter([])).toThrow(InvalidTaskError);
  });

  it('forget keys that nobody uses', () => {
    const limits = new TaskLimits('x', { perKey: { key: ([key]) => String(key), process: 1 } });
    const leave = limits.enter(['kept']);
    for (let i = 0; i < 20_000; i++) limits.enter([i])(true);
    expect(limits['keys']?.size).toBeLessThanOrEqual(1_001);
    expect(() => limits.enter(['kept'])).toThrow(GiveBack);
    leave(true);
  });
});

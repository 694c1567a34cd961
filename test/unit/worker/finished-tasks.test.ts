import { describe, expect, it } from 'vitest';
import { FinishedTasks } from '../../../lib/worker/finished-tasks.js';

describe('what has ended, and could not be acknowledged', () => {
  it('is known again once, by its uuid, its attempt and its copy', () => {
    const finished = new FinishedTasks();
    finished.add('u', 1);
    // The copy by which it goes on after a wait is another message under the same uuid.
    expect(finished.take('u', 1, '[null,"1 a"]')).toBe(false);
    expect(finished.take('u', 2)).toBe(false);
    expect(finished.take('u', 1)).toBe(true);
    expect(finished.take('u', 1)).toBe(false);
  });
});

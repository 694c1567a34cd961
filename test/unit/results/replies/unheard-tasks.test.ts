import { beforeEach, describe, expect, it } from 'vitest';
import { UnheardTasks } from '../../../../lib/results/replies/unheard-tasks.js';

let clock = 0;
let told: unknown[][];
let tasks: UnheardTasks;

beforeEach(() => {
  clock = 0;
  told = [];
  tasks = new UnheardTasks((...note) => told.push(note), () => clock);
});

describe('a worker', () => {
  it('is told that nobody listens when progress comes, and not before', () => {
    tasks.received('u', 'w');
    tasks.left('u');
    expect(told).toEqual([]);
    tasks.received('u', 'w');
    tasks.received('v', 'w');
    expect(told).toEqual([['w', 'u', false]]);
  });

  it('is told again a second later if it goes on, and so is one that has taken the task over', () => {
    tasks.left('u');
    for (clock = 0; clock < 3_000; clock += 50) tasks.received('u', clock < 2_000 ? 'w1' : 'w2');
    expect(told).toEqual([['w1', 'u', false], ['w1', 'u', false], ['w2', 'u', false]]);
    // Leaving twice is leaving once: it does not make it be told at once.
    tasks.left('u');
    tasks.received('u', 'w2');
    expect(told).toHaveLength(4);
    tasks.left('u');
    tasks.received('u', 'w2');
    expect(told).toHaveLength(4);
  });

  it('is told that somebody listens again, where it was told that nobody does', () => {
    tasks.left('u');
    tasks.cameBack('u');
    tasks.left('u');
    tasks.received('u', 'w');
    tasks.cameBack('u');
    tasks.cameBack('u');
    expect(told).toEqual([['w', 'u', false], ['w', 'u', true]]);
    tasks.received('u', 'w');
    tasks.left('u');
    tasks.received('u', 'w');
    expect(told.slice(2)).toEqual([['w', 'u', false]]);
  });

  it('is told nothing of a task that has ended', () => {
    tasks.left('u');
    tasks.ended('u');
    tasks.received('u', 'w');
    tasks.cameBack('u');
    expect([told, tasks.size]).toEqual([[], 0]);
  });
});

describe('tasks that nobody listens to', () => {
  it('are 100,000 at most, and the oldest go', () => {
    for (let i = 0; i < 100_010; i++) tasks.left(`u${i}`);
    expect(tasks.size).toBe(100_000);
    tasks.received('u9', 'w');
    tasks.received('u10', 'w');
    expect(told).toEqual([['w', 'u10', false]]);
  });
});

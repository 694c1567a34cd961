import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DispatcherEvent } from '../../../../lib/events/dispatcher-event.js';
import type { KnownTask } from '../../../../lib/dispatcher/placement/known-task.js';
import type { Placement } from '../../../../lib/dispatcher/placement/placement.js';
import { PublishAdvice } from '../../../../lib/dispatcher/placement/publish-advice.js';

const MOST = 1_000;
const KNOWN: KnownTask = { name: 'mail.send', origin: 'Mails.send' };

function advice() {
  const told: string[] = [];
  const placement = { tasks: new Map([[KNOWN.name, KNOWN]]), queues: [] } as unknown as Placement;
  const one = new PublishAdvice({
    placement: () => placement, workers: () => [], lookForMore: () => false,
    emit: (event: DispatcherEvent) => { if (event.type === 'task.doubtful') told.push(event.name); },
  });
  /** What it remembers, of whatever. */
  const remembered = (): number => Object.values(one).reduce((sum: number, held: unknown) => sum + (held instanceof Map || held instanceof Set ? held.size : 0), 0);
  return { one, told, remembered };
}

/** As many as are asked for, of which no two are the same, and each a few letters from a task that is known. */
function* names(count: number): Iterable<string> {
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  for (let number = 0; number < count; number++) {
    yield `mail.send${[0, 1, 2, 3].map((place) => letters[Math.floor(number / 26 ** place) % 26]).join('')}`;
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('advice on what is published', () => {
  it('is given once of each name, whatever it was looked at in between', () => {
    const { one, told } = advice();
    for (let round = 0; round < 3; round++) {
      for (const name of names(100)) one.look(name, `key-${round}`);
    }
    expect(told).toEqual([...names(100)]);
  });

  it('remembers a bounded number of names though each task has a name of its own, and has no timer', () => {
    const { one, told, remembered } = advice();
    let most = 0;
    for (const name of names(20 * MOST)) {
      one.look(name, 'key');
      most = Math.max(most, remembered());
    }
    expect(most).toBeLessThanOrEqual(2 * MOST);
    expect(told.length).toBe(MOST);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('says no more than a thousand things, and says each but once', () => {
    const { one, told, remembered } = advice();
    for (let round = 0; round < 2; round++) for (const name of names(2 * MOST)) one.tell(name, 'doubt');
    expect(told).toEqual([...names(MOST)]);
    expect(remembered()).toBe(MOST);
    expect(vi.getTimerCount()).toBe(0);
  });
});

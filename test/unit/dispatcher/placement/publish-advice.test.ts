import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DispatcherEvent } from '../../../../lib/events/dispatcher-event.js';
import type { KnownTask } from '../../../../lib/dispatcher/placement/known-task.js';
import type { Placement } from '../../../../lib/dispatcher/placement/placement.js';
import type { PlacedWorker } from '../../../../lib/dispatcher/placement/start-warnings.js';
import { PublishAdvice } from '../../../../lib/dispatcher/placement/publish-advice.js';

const MOST = 1_000;
const KNOWN: KnownTask = { name: 'mail.send', origin: 'Mails.send' };

function advice(workers: readonly PlacedWorker[] = []) {
  const told: string[] = [];
  const queues = workers.map(({ queue }) => ({ name: queue, bindingKeys: [queue] }));
  const place = (): Placement => ({ tasks: new Map([[KNOWN.name, KNOWN]]), queues }) as unknown as Placement;
  let placement = place();
  const workersOf = vi.fn(() => workers);
  const one = new PublishAdvice({
    placement: () => placement, workers: workersOf, lookForMore: () => false,
    emit: (event: DispatcherEvent) => { if (event.type === 'task.doubtful') told.push(event.name); },
  });
  /** What it remembers, of whatever. */
  const remembered = (): number => Object.values(one).reduce((sum: number, held: unknown) => sum + (held instanceof Map || held instanceof Set ? held.size : 0), 0);
  return { one, told, remembered, workersOf, placeAnew: () => { placement = place(); } };
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

  it('looks once at each key that a name goes by, whichever it went by last, and again once workers or queues have changed', () => {
    const worker = (queue: string): PlacedWorker => ({ name: queue, queue, taskNames: ['add'] });
    const { one, told, workersOf, placeAnew } = advice([worker('one'), worker('two')]);
    const round = (): void => { for (const key of ['one', 'two', 'elsewhere']) one.look('add', key); };
    for (let times = 0; times < 5; times++) round();
    expect(workersOf).toHaveBeenCalledTimes(3);
    placeAnew();
    for (let times = 0; times < 5; times++) round();
    expect(workersOf).toHaveBeenCalledTimes(6);
    expect(told).toEqual([]);
  });

  it('tells of a key that leads elsewhere though the name went by the right one before', () => {
    const { one, told } = advice([{ name: 'w', queue: 'sums', taskNames: ['add'] }, { name: 'o', queue: 'mails', taskNames: [] }]);
    for (const key of ['sums', 'mails', 'sums', 'mails']) one.look('add', key);
    expect(told).toEqual(['add']);
  });

  it('remembers a bounded number of keys though a name goes by another one each time', () => {
    const { one } = advice();
    const keysOf = (): number => [...(one as unknown as { looked: Map<string, Set<string>> }).looked.values()].reduce((sum, keys) => sum + keys.size, 0);
    let most = 0;
    for (let number = 0; number < 10 * MOST; number++) {
      one.look('mail.send', `tenant-${number}`);
      most = Math.max(most, keysOf());
    }
    expect(most).toBeLessThanOrEqual(4 * MOST);
    expect(keysOf()).toBeGreaterThan(0);
  });

  it('says no more than a thousand things, and says each but once', () => {
    const { one, told, remembered } = advice();
    for (let round = 0; round < 2; round++) for (const name of names(2 * MOST)) one.tell(name, 'doubt');
    expect(told).toEqual([...names(MOST)]);
    expect(remembered()).toBe(MOST);
    expect(vi.getTimerCount()).toBe(0);
  });
});

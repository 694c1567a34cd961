import { describe, expect, it } from 'vitest';
import { keyWithoutLevel, isLineOf, levelKeyOf } from '../../../../lib/task/queue-lines.js';
import { declarationsOf, neededNotes, noteQueues, planLines, sharesOf } from '../../../../lib/worker/intake/line-plan.js';

const handlers = new Map<string, { weight?: number }>([['a', { weight: 5 }], ['b', {}]]);

describe('the lines of a worker', () => {
  it('are none without priorities and weights', () => {
    expect(neededNotes({ queue: 'q', handlers: new Map([['a', {}]]) })).toEqual([]);
    expect(planLines({ queue: 'q', handlers: new Map([['a', {}]]) }, [])).toEqual([]);
  });

  it('are one for each level, and one for each task as soon as one has a weight', () => {
    const plans = planLines({ queue: 'q', priorities: true, handlers }, []);
    expect(plans.map(({ queue, level, weight }) => [queue, level, weight])).toEqual([
      ['q.high', 'high', 1], ['q.low', 'low', 1], ['q.task.a', 'normal', 5], ['q.task.b', 'normal', 1],
    ]);
  });

  it('are those of notes too, each once; what cannot be read is left to newer versions', () => {
    const plans = planLines({ queue: 'q', handlers }, ['task:a', 'task:gone', 'level:low', 'level:urgent', '', 'x']);
    expect(plans.map(({ queue }) => queue)).toEqual(['q.task.a', 'q.task.b', 'q.task.gone', 'q.low']);
    expect(noteQueues('q', ['level:high', 'task:a.b'])).toEqual(['q.high', 'q.task.a.b']);
  });

  it('are bound to the keys of their level, and share the dead letters of the queue', () => {
    const plans = planLines({ queue: 'q', priorities: true, handlers }, []);
    const declared = declarationsOf(plans, 'q', ['k1', 'k2'], 'quorum');
    expect(declared[0]).toEqual({ name: 'q.high', type: 'quorum', purpose: 'work', deadLetterQueue: 'q.dead', bindingKeys: ['k1~high', 'k2~high'] });
    expect(declared[2]).toMatchObject({ name: 'q.task.a', bindingKeys: [] });
  });

  it('share what is there: levels first, then weights', () => {
    const shares = sharesOf(planLines({ queue: 'q', priorities: true, handlers }, []));
    expect(shares.get('q.high')).toBeCloseTo(16 / 21);
    expect(shares.get('q.task.a')).toBeCloseTo((4 / 21) * (5 / 6));
    expect([...shares.values()].reduce((sum, share) => sum + share)).toBeCloseTo(1);
    expect(sharesOf([{ queue: 'q', level: 'normal', weight: 1 }]).get('q')).toBe(1);
  });
});

describe('the key of a level', () => {
  it('is found without its level only where the header says the same', () => {
    const headers = { 'x-dispatcher-priority': 'high' };
    expect(keyWithoutLevel(levelKeyOf('k', 'high'), headers)).toBe('k');
    expect(keyWithoutLevel('k~low', headers)).toBeUndefined();
    expect(keyWithoutLevel('k~high', undefined)).toBeUndefined();
    expect(keyWithoutLevel('k', headers)).toBeUndefined();
    expect(keyWithoutLevel('~high', headers)).toBeUndefined();
  });

  it('knows the queues beside a queue by their names', () => {
    expect(['q.high', 'q.low', 'q.task.x'].every((name) => isLineOf('q', name))).toBe(true);
    expect(['q', 'q.dead', 'q.normal', 'other.high'].some((name) => isLineOf('q', name))).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { Turns } from '../../../../lib/state/supervised/turns.js';
import { Signal } from '../../../support/wait.js';

describe('turns', () => {
  it('are one after the other for a key, whatever becomes of them, and independent between keys', async () => {
    const turns = new Turns();
    const log: string[] = [];
    const first = new Signal();
    const results = [
      turns.run('a', async () => { await first.promise; log.push('a1'); throw new Error('a1 failed'); }),
      turns.run('a', async () => { log.push('a2'); return 2; }),
      turns.run('b', async () => { log.push('b1'); return 3; }),
    ];
    await results[2];
    expect(log).toEqual(['b1']);
    first.fire();
    const outcomes = await Promise.allSettled(results);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(log).toEqual(['b1', 'a1', 'a2']);
  });
});

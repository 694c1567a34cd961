import { onTestFinished, describe, expect, it } from 'vitest';
import { ResultBackendUnavailableError } from '../../../lib/errors.js';
import { decodeTakers, encodeTakers, setId, takes, withTaker } from '../../../lib/control/taker-record.js';
import { Takers, type TakingWorker } from '../../../lib/control/takers.js';
import type { StateBackend } from '../../../lib/state/state-backend.js';
import { passPauseMs, returnPauseMs } from '../../../lib/worker/return-pause.js';
import { memoryBroker } from '../../support/memory-broker.js';
import { itemAt } from '../../support/present.js';
import { eventually } from '../../support/wait.js';

/** As much of a backend as is asked of it here. */
class Memory {
  readonly values = new Map<string, Buffer>();
  writes = 0;
  failure: Error | undefined;
  readonly port = {
    get: async (key: string) => {
      if (this.failure !== undefined) throw this.failure;
      return this.values.get(key);
    },
    setIfAbsent: async (key: string, value: Buffer) => {
      const present = this.values.get(key);
      if (present !== undefined) return { taken: false, value: present };
      this.writes++;
      this.values.set(key, value);
      return { taken: true };
    },
    replaceIfEqual: async (key: string, expected: Buffer, value: Buffer) => {
      if (this.values.get(key)?.equals(expected) !== true) return false;
      this.writes++;
      this.values.set(key, value);
      return true;
    },
  } as unknown as StateBackend;
}

const TIMES = { leaseMs: 60_000, renewMs: 100_000, freshMs: 0, answerMs: 5_000 };

async function exchange() {
  const broker = await memoryBroker();
  const memory = new Memory();
  const clock = { now: 1_000_000_000_000 };
  const problems: string[] = [];
  const joins = async (workers: TakingWorker[]): Promise<Takers> => {
    const takers = new Takers({
      broker, exchange: 'e', backend: async () => memory.port, workers: () => workers, problem: (message) => problems.push(message), now: () => clock.now, times: TIMES,
    });
    await takers.watch();
    onTestFinished(() => takers.stop());
    return takers;
  };
  return { broker, memory, clock, problems, joins };
}

describe('who takes what', () => {
  it('is neither written nor asked before somebody meets an unknown name', async () => {
    const { broker, memory, joins } = await exchange();
    await joins([{ queue: 'q', takenNames: ['a'] }]);
    await broker.signal();
    expect(await broker.depth('e.control.v1.mixed')).toBeUndefined();
    expect(memory.writes).toBe(0);
  });

  it('is said by all once one asks, and is forgotten when nobody says it any more', async () => {
    const { clock, joins } = await exchange();
    const one = await joins([{ queue: 'q', takenNames: ['a'] }]);
    const other = await joins([{ queue: 'q', takenNames: ['b', 'c'] }, { queue: 'elsewhere', takenNames: ['d'] }]);
    await eventually(() => one.whoTakes('q', 'c'), (taker) => taker === 'somebody', 'the other to say it');
    expect(await one.whoTakes('q', 'd')).toBe('unsure');
    clock.now += TIMES.answerMs + 1;
    expect(await one.whoTakes('q', 'd')).toBe('nobody');
    await other.stop();
    clock.now += 100_000;
    expect(await one.whoTakes('q', 'c')).toBe('somebody');
    clock.now += 30_000;
    expect(await one.whoTakes('q', 'c')).toBe('nobody');
  });

  it('is said once by many with the same tasks', async () => {
    const { memory, joins } = await exchange();
    const same: Takers[] = [];
    for (let i = 0; i < 10; i++) same.push(await joins([{ queue: 'q', takenNames: ['a', 'b'] }]));
    await eventually(() => itemAt(same, 0).whoTakes('q', 'a'), (taker) => taker === 'somebody', 'it to be said');
    await Promise.all(same.map((takers) => takers.renew()));
    expect(memory.writes).toBe(1);
  });

  it('is not known while it cannot be asked, which is told once', async () => {
    const { memory, clock, problems, joins } = await exchange();
    const takers = await joins([{ queue: 'q', takenNames: ['a'] }]);
    await takers.whoTakes('q', 'b');
    clock.now += 10_000;
    memory.failure = new ResultBackendUnavailableError('away');
    expect([await takers.whoTakes('q', 'b'), await takers.whoTakes('q', 'b')]).toEqual(['unsure', 'unsure']);
    expect(problems.length).toBe(1);
    memory.failure = undefined;
    expect(await takers.whoTakes('q', 'b')).toBe('nobody');
  });

  it('stands foreign bytes, and drops sets of the dead', () => {
    expect(decodeTakers(Buffer.from('no json')).size).toBe(0);
    expect(decodeTakers(Buffer.from('{"x":{"names":5,"at":1},"y":null}')).size).toBe(0);
    const old = withTaker(new Map(), ['a'], 1_000, 0);
    const both = decodeTakers(encodeTakers(withTaker(old, ['b'], 2_000, 500)));
    expect([takes(both, 'a', 500), takes(both, 'b', 500), takes(both, 'a', 1_500)]).toEqual([true, true, false]);
    expect([...withTaker(both, ['c'], 3_000, 1_500).keys()]).toEqual([setId(['b']), setId(['c'])]);
    expect(setId(['x', 'y'])).toBe(setId(['y', 'x']));
  });
});

describe('the pauses of an unknown task', () => {
  it('differ by chance, and are never shorter than the grace wants', () => {
    expect([0, 1, 2].map((returns) => [returnPauseMs(returns, 60, 0), returnPauseMs(returns, 60, 1)])).toEqual([[100, 150], [200, 300], [400, 600]]);
    expect(returnPauseMs(1_000, 60, 0.5)).toBeUndefined();
  });

  it('are short while somebody is known to take it, and longer once that was long in vain', () => {
    expect([0, 1, 2, 3, 20].map((passes) => passPauseMs(passes, 0.5))).toEqual([100, 200, 400, 500, 500]);
    expect([21, 22, 24, 1_000_000].map((passes) => passPauseMs(passes, 0.5))).toEqual([1_000, 2_000, 5_000, 5_000]);
  });
});

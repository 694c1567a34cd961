import { describe, expect, it, onTestFinished } from 'vitest';
import type { EmbeddedBroker } from '../../../lib/brokers/embedded/embedded-broker.js';
import { workerLimitQueue, WorkerLimits } from '../../../lib/control/worker-limits.js';
import { memoryBroker } from '../../support/memory-broker.js';
import { Arrivals } from '../../support/wait.js';

function limitsOn(broker: EmbeddedBroker): { limits: WorkerLimits; changes: Arrivals<true> } {
  const changes = new Arrivals<true>();
  const limits = new WorkerLimits(broker, 'e', { changed: () => changes.add(true), problem: (message, error) => { throw new Error(message, { cause: error }); } }, () => new Date(0));
  onTestFinished(() => limits.stop());
  return { limits, changes };
}

const SET = { worker: 'w', limit: 7, by: 'ann' };

describe('limits of workers', () => {
  it('cost nothing before the first, and are known to whoever watches, before and after', async () => {
    const broker = await memoryBroker();
    const [here, there] = [limitsOn(broker), limitsOn(broker)];
    await there.limits.watch();
    expect([there.limits.of('w'), await broker.depth(workerLimitQueue('e'))]).toEqual([undefined, undefined]);
    await here.limits.set(SET);
    await here.limits.set({ ...SET, limit: 3, by: 'bob', reason: 'too slow' });
    await there.changes.until(() => there.limits.of('w') === 3, 5_000, () => 'the other one to know');
    const late = limitsOn(broker);
    await late.limits.watch();
    expect([late.limits.of('w'), late.limits.of('v')]).toEqual([3, undefined]);
    expect(await late.limits.list()).toEqual([{ worker: 'w', limit: 3, by: 'bob', reason: 'too slow', since: new Date(0) }]);
    expect([await here.limits.remove('w'), await here.limits.remove('w')]).toEqual([true, false]);
    await there.changes.until(() => there.limits.of('w') === undefined, 5_000, () => 'the other one to know');
    expect(await here.limits.list()).toEqual([]);
  });

  it('ignore what is none', async () => {
    const broker = await memoryBroker();
    const { limits } = limitsOn(broker);
    await limits.set(SET);
    const bad = ['', '{', 'null', '[]', '{"worker":"w","by":"x","limit":0}', '{"worker":"w","by":"x","limit":1.5}', '{"worker":"w","by":"x","limit":"9"}', '{"worker":7,"by":"x","limit":9}', '{"worker":"w","limit":9}', '{"worker":"w","by":"x","limit":9,"reason":1}'];
    for (const body of bad) await broker.publish({ body: Buffer.from(body), properties: {} }, { queue: workerLimitQueue('e') });
    expect(await limits.list()).toEqual([{ ...SET, since: new Date(0) }]);
    await limits.watch();
    expect(limits.of('w')).toBe(7);
  });

  it('are of at most a thousand workers, each of which can be changed and taken back', async () => {
    const broker = await memoryBroker();
    const { limits } = limitsOn(broker);
    await limits.set({ ...SET, worker: 'w0' });
    for (let number = 1; number < 1_000; number++) await broker.publish({ body: Buffer.from(JSON.stringify({ ...SET, worker: `w${number}`, since: '' })), properties: {} }, { queue: workerLimitQueue('e') });
    await expect(limits.set(SET)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_TOO_MANY_WORKER_LIMITS' });
    await limits.set({ ...SET, worker: 'w0', limit: 9 });
    await limits.remove('w999');
    await limits.set(SET);
    expect((await limits.list()).length).toBe(1_000);
  });
});

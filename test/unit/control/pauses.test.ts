import { describe, expect, it, onTestFinished } from 'vitest';
import type { EmbeddedBroker } from '../../../lib/brokers/embedded/embedded-broker.js';
import { Pauses } from '../../../lib/control/pauses.js';
import { pauseQueue } from '../../../lib/control/pause-register.js';
import { memoryBroker } from '../../support/memory-broker.js';
import { Arrivals, Signal } from '../../support/wait.js';

function pausesOn(broker: EmbeddedBroker) {
  const changes = new Arrivals<true>();
  const problems = new Arrivals<unknown>();
  const pauses = new Pauses(broker, 'e', { changed: () => changes.add(true), problem: (_message, error) => problems.add(error) }, () => new Date(0));
  onTestFinished(() => pauses.stop());
  return { pauses, changes, problems };
}

const ANN = { by: 'ann', reason: 'x' };

describe('pauses', () => {
  it('are known to whoever watches, from the start and after each change', async () => {
    const broker = await memoryBroker();
    const [here, there] = [pausesOn(broker), pausesOn(broker)];
    await here.pauses.pause({ queue: 'q' }, ANN);
    await there.pauses.watch();
    expect([there.pauses.isPaused('queue', 'q'), there.pauses.isPaused('task', 'q')]).toEqual([true, false]);
    await here.pauses.watch();
    await here.pauses.pause({ task: 'q' }, ANN);
    await there.changes.until(() => there.pauses.isPaused('task', 'q'), 5_000, () => 'the other one to know');
    expect(await here.pauses.resume({ queue: 'q' })).toBe(true);
    await there.changes.until(() => !there.pauses.isPaused('queue', 'q'), 5_000, () => 'the other one to know');
    expect(await there.pauses.list()).toEqual([{ kind: 'task', name: 'q', ...ANN, since: new Date(0) }]);
  });

  it('keep one note for each name, however many pause it at once, and ignore what is none', async () => {
    const broker = await memoryBroker();
    const { pauses } = pausesOn(broker);
    for (let round = 0; round < 20; round++) {
      await Promise.all(['a', 'b', 'c', 'd'].map((by) => pauses.pause({ worker: 'w' }, { by, reason: 'x' })));
      expect(await broker.depth(pauseQueue('e'))).toBe(1);
    }
    for (const body of ['', '{', '{"kind":"moon","name":"x"}']) await broker.publish({ body: Buffer.from(body), properties: {} }, { queue: pauseQueue('e') });
    expect(await pauses.list()).toHaveLength(1);
    expect(await pauses.resume({ worker: 'w' })).toBe(true);
    expect(await broker.depth(pauseQueue('e'))).toBe(3);
  });

  it('still hold when they cannot be read, which is said once and tried again', async () => {
    const broker = await memoryBroker();
    const { pauses, changes, problems } = pausesOn(broker);
    await pauses.pause({ queue: 'q' }, ANN);
    await pauses.watch();
    const browse = broker.browse.bind(broker);
    const failed = new Signal();
    let failures = 0;
    broker.browse = () => {
      if (++failures === 2) failed.fire();
      return Promise.reject(new Error('no permission'));
    };
    const before = changes.all.length;
    await broker.signal();
    await failed.within(5_000, 'two tries');
    expect([problems.all.length, pauses.isPaused('queue', 'q')]).toEqual([1, true]);
    broker.browse = browse;
    await changes.count(before + 1);
  });
});

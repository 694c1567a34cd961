import { describe, expect, it } from 'vitest';
import type { Broker } from '../../../lib/brokers/broker.js';
import { drain, type DrainProgress } from '../../../lib/control/drain.js';
import type { WorkerActivity } from '../../../lib/worker/worker.js';

interface Look { delayed?: number; q?: number; activity?: Partial<WorkerActivity>; status?: string }

/** Each look sees the next of these, the last one for ever. */
function scripted(looks: Look[]) {
  let at = -1;
  let clock = 0;
  const current = (): Look => looks[Math.min(Math.max(at, 0), looks.length - 1)] as Look;
  const broker = {
    get state() { return { status: current().status ?? 'ready' }; },
    depth: (queue: string) => {
      if (queue === 'q') at++;
      return Promise.resolve(queue === 'q' ? current().q ?? 0 : undefined);
    },
    delayedCount: () => Promise.resolve((looks[Math.min(at + 1, looks.length - 1)] as Look).delayed ?? 0),
  } as unknown as Broker;
  return {
    dependencies: {
      broker, depth: (queue: string) => broker.depth(queue), now: () => clock++, knownQueues: () => ['q', 'none'],
      workers: () => [{ queue: 'q', activity: { running: 0, waiting: 0, ended: 0, ...current().activity } }, { queue: 'other', activity: { running: 9, waiting: 9, ended: at } }],
    },
    looks: () => at + 1,
  };
}

describe('drain', () => {
  it('resolves after two quiet looks, and tells each change on the way', async () => {
    const told: DrainProgress[] = [];
    const { dependencies, looks } = scripted([{ q: 2, delayed: 1 }, { q: 2, delayed: 1 }, { activity: { running: 1, waiting: 1 } }, {}, {}]);
    await drain(dependencies, { onProgress: (progress) => told.push(progress) });
    expect(told).toEqual([
      { waiting: { q: 2, none: 0 }, delayed: 1, running: 0 }, { waiting: { q: 0, none: 0 }, delayed: 0, running: 2 }, { waiting: { q: 0, none: 0 }, delayed: 0, running: 0 },
    ]);
    expect(looks()).toBe(5);
  });

  it('looks again when something ended between two quiet looks: it may have gone back', async () => {
    const { dependencies, looks } = scripted([{ activity: { ended: 1 } }, { activity: { ended: 2 } }, { delayed: 1, activity: { ended: 2 } }, { activity: { ended: 3 } }, { activity: { ended: 3 } }]);
    await drain(dependencies);
    expect(looks()).toBe(5);
  });

  it('counts delayed tasks for all queues, or where it is asked to', async () => {
    await drain(scripted([{ delayed: 3 }]).dependencies, { queues: ['q'] });
    await expect(drain(scripted([{ delayed: 3 }]).dependencies, { timeoutSeconds: 0 })).rejects.toMatchObject({ fields: { delayed: 3 } });
    await expect(drain(scripted([{ delayed: 3 }]).dependencies, { queues: ['q'], delayed: true, timeoutSeconds: 0 })).rejects.toMatchObject({ fields: { delayed: 3 } });
  });

  it('says what is left when the time is up, and ends with the dispatcher', async () => {
    await expect(drain(scripted([{ q: 5 }]).dependencies, { timeoutSeconds: 0.002 })).rejects.toMatchObject({
      code: 'ERR_DISPATCHER_DRAIN_TIMEOUT', fields: { waiting: { q: 5, none: 0 }, delayed: 0, running: 0 }, message: expect.stringContaining('"q":5'),
    });
    await expect(drain(scripted([{ q: 5, status: 'closing' }]).dependencies)).rejects.toMatchObject({ name: 'ShutdownError' });
    await expect(drain(scripted([{}]).dependencies, { timeoutSeconds: -1 })).rejects.toThrow(/0 or more/);
    await expect(drain(scripted([{}]).dependencies, { onProgress: () => { throw new Error('enough'); } })).rejects.toThrow('enough');
  });
});

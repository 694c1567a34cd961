import { expect, it } from 'vitest';
import type { BrowsedMessage, BrowseVisit, QueueType } from '../../../../lib/brokers/broker.js';
import { TaskFinder } from '../../../../lib/dispatcher/actions/task-finder.js';
import { gofortFormat } from '../../../../lib/formats/gofort.js';
import { Redaction } from '../../../../lib/inspection/redaction.js';

const TYPES: readonly (readonly [string, QueueType | undefined])[] = [['classic', 'classic'], ['quorum', 'quorum'], ['unknown', undefined]];

/** One task waits in each queue. */
function finder(): { finder: TaskFinder; looked: string[] } {
  const looked: string[] = [];
  const browse = async (queue: string, visit: BrowseVisit): Promise<never> => {
    looked.push(queue);
    const { body, properties } = gofortFormat.encode({ uuid: `in ${queue}`, name: 'n', args: [] });
    await visit({ body, properties } as BrowsedMessage, 0);
    return undefined as never;
  };
  const inspection = { running: () => Promise.resolve([]), queues: () => Promise.resolve({ queues: TYPES.map(([name, type]) => ({ name, type })) }) };
  return {
    looked,
    finder: new TaskFinder({
      broker: { browse, depth: () => Promise.resolve(1) } as never, inspection: inspection as never, operations: { queuesOf: (queue: string) => Promise.resolve([queue]) },
      names: { meantBy: () => Promise.resolve(TYPES.map(([name]) => name)) } as never, formatOf: () => gofortFormat, redaction: new Redaction(undefined),
    }),
  };
}

it('looks through what waits in classic queues, and says that there is more in others', async () => {
  const { finder: one, looked } = finder();
  expect(await one.find({ name: 'n' }, {}, 10)).toEqual({ tasks: [{ id: 'in classic', name: 'n', queue: 'classic' }], truncated: true });
  expect(looked).toEqual(['classic']);
});

it('looks where each look counts as a delivery, or may, when it is told how far', async () => {
  const { finder: one, looked } = finder();
  expect(await one.find({ name: 'n' }, { peek: 5 }, 10)).toMatchObject({ tasks: [{}, {}, {}], truncated: false });
  expect(looked).toEqual(['classic', 'quorum', 'unknown']);
});

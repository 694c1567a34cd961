import { expect, it } from 'vitest';
import { SHAPES } from '../../../lib/inspection/asking/shapes.js';
import type { QueuePart } from '../../../lib/inspection/asking/messages.js';
import { queuesReport, type QueueSource } from '../../../lib/inspection/queues-report.js';

const SOURCE: QueueSource = {
  known: () => [{ name: 'own', type: 'quorum' }, { name: 'servers', type: undefined }], depth: () => Promise.resolve(1), dead: () => Promise.resolve(0),
  delayed: () => Promise.resolve(0), undelivered: () => Promise.resolve(undefined), pauses: () => Promise.resolve([]),
};
const part = (queue: string, type?: QueuePart['type']): QueuePart => ({ queue, ...(type === undefined ? {} : { type }), running: 0, waiting: 0, consuming: true, history: [] });

it('knows the types of queues from its own configuration, and from the workers of others', async () => {
  const { queues } = await queuesReport(SOURCE, [part('theirs', 'quorum'), part('servers', 'classic'), part('nobodys'), part('nobodys')]);
  expect(queues.map(({ name, type, consumers }) => [name, type, consumers])).toEqual([['nobodys', undefined, 2], ['own', 'quorum', 0], ['servers', 'classic', 1], ['theirs', 'quorum', 1]]);
});

it('tells the longest that a task had waited which ended last', async () => {
  const { queues } = await queuesReport(SOURCE, [{ ...part('theirs'), lastWaitMs: 5 }, { ...part('theirs'), lastWaitMs: 90 }, part('theirs'), part('nobodys')]);
  expect(queues.map(({ name, lastWaitMs }) => [name, lastWaitMs])).toEqual([['nobodys', undefined], ['own', undefined], ['servers', undefined], ['theirs', 90]]);
});

it('believes no answer with a type that there is not', () => {
  expect([part('q'), part('q', 'quorum'), { ...part('q'), type: 'stream' }, { ...part('q'), type: 5 }, { ...part('q'), lastWaitMs: 5 }, { ...part('q'), lastWaitMs: 'long' }].map(SHAPES.queues)).toEqual([true, true, false, false, true, false]);
});

import { expect, it } from 'vitest';
import type { MessageProperties } from '../../../../lib/brokers/broker.js';
import { TaskSearch } from '../../../../lib/dispatcher/inspecting/task-search.js';
import { gofortFormat } from '../../../../lib/formats/gofort.js';
import { Redaction } from '../../../../lib/inspection/redaction.js';
import { Header } from '../../../../lib/task/headers.js';
import { memoryBroker } from '../../../support/memory-broker.js';

it('tells since when what waits does so, where its message says so', async () => {
  const broker = await memoryBroker();
  await broker.declare({ queues: [{ name: 'q' }] });
  const said: MessageProperties[] = [
    { headers: { [Header.published]: 1_000 } }, { headers: { [Header.published]: 1_000, [Header.due]: 5_000 } }, { timestamp: 7 },
    {}, { headers: { [Header.published]: 'soon' } }, { headers: { [Header.published]: 1_000, [Header.attempt]: 2 } }, { headers: { [Header.published]: 1_000, [Header.replays]: 1 } },
  ];
  for (const properties of said) await broker.publish({ ...gofortFormat.encode({ uuid: 'u', name: 'add', args: [] }), properties }, { queue: 'q' });
  const search = new TaskSearch({ broker, deadLetters: { get: () => Promise.resolve(undefined) }, formatOf: () => gofortFormat, redaction: new Redaction() });
  expect((await search.firstOf(['q'], 10)).map(({ since }) => since)).toEqual([1_000, 5_000, 7_000, undefined, undefined, undefined, undefined]);
});

import type { TaskInput } from '../../../lib/index.js';
import type { LedgerEntry } from '../../support/ledger.js';
import { itemAt } from '../../support/present.js';
import { pause } from '../../support/wait.js';
import { settleTraces, type Heard } from '../traces/settle-trace.js';
import type { Trace } from '../traces/follow.js';
import { Stage } from './stage.js';
import { tracesInTheEnd } from './traces-in-the-end.js';

const TASKS = 80;
const BETWEEN_MS = 15;
const WORK_MS = 60;

/**
 * A publisher and workers, with results in the ledger. Meanwhile a worker is killed, a line of a worker and that of the
 * publisher are cut, and another worker is killed.
 */
export async function recordBusyRun(url: string): Promise<Trace[]> {
  const stage = new Stage(url, 'model-busy');
  const heard = stage.recorder.events as Heard[];
  const { add } = stage.ledger;
  Object.assign(stage.ledger, {
    add: (entry: LedgerEntry) => {
      if (entry.kind === 'accepted') heard.push({ kind: 'accepted', uuid: entry.uuid });
      add(entry);
    },
  });
  try {
    const publisher = await stage.startPublisher();
    const [a, b] = await Promise.all([stage.startWorker('a'), stage.startWorker('b')]);
    const troubles: (() => unknown)[] = [() => a.app.kill9(), b.cut, publisher.cut, () => stage.startWorker('c'), () => b.app.kill9()];
    const uuids: string[] = [];
    for (let number = 0; number < TASKS; number++) {
      const task = taskOf(number);
      uuids.push(task.uuid);
      publisher.app.tell({ do: 'publish', task });
      await pause(BETWEEN_MS);
      if (number % 16 === 10) await itemAt(troubles, (number - 10) / 16)();
    }
    return await tracesInTheEnd(() => settleTraces(heard, uuids), hasEnded, uuids.length);
  } finally {
    await stage.close();
  }
}

/** Most succeed, some fail twice, and become dead letters. */
function taskOf(number: number): TaskInput & { uuid: string } {
  const fails = number % 5 === 4;
  return { uuid: `task-${number}`, name: fails ? 'fails' : 'work', args: [{ type: 'int', value: WORK_MS }], result: true, ...fails ? { retry: { attempts: 2, delaySeconds: 0 } } : {} };
}

/** Accepted, recorded, and nothing of it is delivered and unsettled. */
function hasEnded(trace: Trace): boolean {
  const open = new Set<number>();
  let deliveries = 0;
  for (const { what, number } of trace) {
    if (what === 'deliver') open.add(++deliveries);
    if (what === 'ack' || what === 'back') open.delete(number as number);
  }
  return trace.some(({ what }) => what === 'kept') && !open.has(deliveries);
}

import { pause } from '../../support/wait.js';
import type { Trace } from '../traces/follow.js';
import { ledgerTraces } from '../traces/ledger-trace.js';
import { uniqueTraces } from '../traces/unique-trace.js';
import { Stage } from './stage.js';
import { tracesInTheEnd } from './traces-in-the-end.js';

const KEYS = 6;
const ROUNDS = 10;
const BETWEEN_MS = 25;
const WORK_MS = 60;

export interface UniqueRun {
  /** As the tasks see their keys. */
  readonly Unique: Trace[];
  /** As the ledger keeps them. */
  readonly Ledger: Trace[];
}

/**
 * One task after the other asks for the same keys, and most are refused; workers are killed while they run what was taken. The
 * first of them keeps the ledger, and so does whoever comes next.
 */
export async function recordUniqueRun(url: string): Promise<UniqueRun> {
  const stage = new Stage(url, 'model-unique');
  const keys = new Map<string, string>();
  try {
    const workers = [await stage.startWorker('a'), await stage.startWorker('b')];
    const publisher = await stage.startPublisher();
    for (let round = 0; round < ROUNDS; round++) {
      for (let number = 0; number < KEYS; number++) {
        const [uuid, key] = [`task-${round}-${number}`, `k${number}`];
        keys.set(uuid, key);
        publisher.app.tell({ do: 'publish', task: { uuid, name: 'work', args: [{ type: 'int', value: WORK_MS }], unique: { scope: 'untilFinished', key, seconds: 300 } } });
        await pause(BETWEEN_MS);
        // In the midst of a round: some keys are held then, and some are free.
        if (round % 3 === 1 && number === round % KEYS) await workers.shift()?.app.kill9();
      }
      if (round % 3 === 1) workers.push(await stage.startWorker(`after-${round}`));
    }
    const traces = await tracesInTheEnd(() => uniqueTraces(stage.recorder.events, (uuid) => keys.get(uuid)), isQuiet, KEYS);
    return { Unique: traces, Ledger: [...ledgerTraces(stage.recorder.events).values()] };
  } finally {
    await stage.close();
  }
}

/** As many were acknowledged as were sent. */
function isQuiet(trace: Trace): boolean {
  const count = (what: string): number => new Set(trace.filter((line) => line.what === what).map(({ by }) => by)).size;
  return count('publish') === count('ack');
}

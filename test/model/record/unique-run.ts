import { eventually, pause } from '../../support/wait.js';
import type { Trace } from '../traces/follow.js';
import { uniqueTraces } from '../traces/unique-trace.js';
import { Stage } from './stage.js';

const KEYS = 6;
const ROUNDS = 10;
const BETWEEN_MS = 25;
const WORK_MS = 60;
const SETTLE_LIMIT_MS = 120_000;

/** One task after the other asks for the same keys, and most are refused; workers are killed while they run what was taken. */
export async function recordUniqueRun(url: string): Promise<Trace[]> {
  const stage = new Stage(url, 'model-unique');
  const keys = new Map<string, string>();
  try {
    const publisher = await stage.startPublisher();
    let worker = await stage.startWorker('a');
    await stage.startWorker('b');
    for (let round = 0; round < ROUNDS; round++) {
      for (let number = 0; number < KEYS; number++) {
        const [uuid, key] = [`task-${round}-${number}`, `k${number}`];
        keys.set(uuid, key);
        publisher.app.tell({ do: 'publish', task: { uuid, name: 'work', args: [{ type: 'int', value: WORK_MS }], unique: { scope: 'untilFinished', key, seconds: 300 } } });
        await pause(BETWEEN_MS);
      }
      if (round % 3 !== 1) continue;
      await worker.app.kill9();
      worker = await stage.startWorker(`after-${round}`);
    }
    const traces = await eventually(() => uniqueTraces(stage.recorder.events, (uuid) => keys.get(uuid)), (all) => all.size === KEYS && [...all.values()].every(isQuiet), 'an end of every task', { limitMs: SETTLE_LIMIT_MS, everyMs: 500 });
    return [...traces.values()];
  } finally {
    await stage.close();
  }
}

/** As many were acknowledged as were sent. */
function isQuiet(trace: Trace): boolean {
  const count = (what: string): number => new Set(trace.filter((line) => line.what === what).map(({ by }) => by)).size;
  return count('publish') === count('ack');
}

import { pause } from '../../support/wait.js';
import type { Trace } from '../traces/follow.js';
import { leaseTraces } from '../traces/lease-trace.js';
import { Stage } from './stage.js';
import { tracesInTheEnd } from './traces-in-the-end.js';

/** What the server is said to take away after seconds: a third of it, and a task is taken over. */
const TIMEOUT_SECONDS = 6;
const TAKEOVER_SECONDS = 2;
const WORK_MS = 14_000;
const UNTIL_TAKEN_OVER_MS = 8_000;
const TASKS = 6;
const START_LIMIT_MS = 60_000;

/** Tasks that run for long in two processes, one of which is killed after it has taken its tasks over; the other goes on, and inherits. */
export async function recordLeaseRun(url: string): Promise<Trace[]> {
  const stage = new Stage(url, 'model-lease', { consumerTimeoutSeconds: TIMEOUT_SECONDS, takeoverSeconds: TAKEOVER_SECONDS, ledger: { refreshMs: 60_000 } });
  try {
    const publisher = await stage.startPublisher();
    const [a] = await Promise.all([stage.startWorker('a', TASKS), stage.startWorker('b', TASKS)]);
    const uuids = Array.from({ length: TASKS }, (_, number) => `task-${number}`);
    for (const uuid of uuids) publisher.app.tell({ do: 'publish', task: { uuid, name: 'work', args: [{ type: 'int', value: WORK_MS }] } });
    await stage.ledger.until(() => stage.ledger.started.size === TASKS, START_LIMIT_MS, 'all to start');
    await pause(UNTIL_TAKEN_OVER_MS);
    await a.app.kill9();
    return await tracesInTheEnd(() => leaseTraces(stage.recorder.events, stage.queue, uuids), isOver, TASKS);
  } finally {
    await stage.close();
  }
}

/** Done, and every copy of it is dropped, or acknowledged by whoever ran it. */
function isOver(trace: Trace): boolean {
  const count = (what: string): number => trace.filter((line) => line.what === what).length;
  return count('done') === 1 && count('copy') + count('start') === count('drop') + count('ack');
}

import type { QueueInfo } from '../../inspection/model.js';
import { age, table } from '../output/text.js';

export function queueTable(queues: readonly QueueInfo[]): string {
  return table(['QUEUE', 'TYPE', 'WAITING', 'RUNNING', 'DEAD', 'WORKERS', 'OLDEST WAITS', 'LAST WAITED', 'DONE/MIN', 'FAILED/MIN', 'PAUSED'], queues.map(({ name, type, waiting, running, dead, consumers, oldestWaitMs, lastWaitMs, history, pause }) => {
    // The present minute has only begun.
    const minute = history.at(-2) ?? history.at(-1);
    return [name, type, waiting ?? 'no such queue', running, dead, consumers, oldestWaitMs === undefined ? undefined : age(oldestWaitMs), lastWaitMs === undefined ? undefined : age(lastWaitMs), minute?.succeeded ?? 0, minute?.failed ?? 0, pause === undefined ? undefined : `by ${pause.by}: ${pause.reason}`];
  }));
}

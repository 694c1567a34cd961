import type { TaskInput } from '../../../lib/index.js';
import { FaultApp } from '../../faults/apps/fault-app.js';
import type { AppConfig } from '../../faults/apps/protocol.js';
import { Ledger, type LedgerEntry } from '../../support/ledger.js';
import { itemAt } from '../../support/present.js';
import { eventually, pause } from '../../support/wait.js';
import { settleTraces, type Heard } from '../traces/settle-trace.js';
import type { Trace } from '../traces/follow.js';
import { Recorder } from '../wire/recorder.js';

const EXCHANGE = 'model';
const QUEUE = 'model.q';
const TASKS = 80;
const BETWEEN_MS = 15;
const WORK_MS = 60;
const SETTLE_LIMIT_MS = 120_000;

export interface BusyRun { readonly heard: readonly Heard[]; readonly traces: ReadonlyMap<string, Trace> }

/**
 * A publisher and workers, each a process on a line of its own to a real server, with results in the ledger. Meanwhile a
 * worker is killed, a line of a worker and that of the publisher are cut, and another worker is killed.
 *
 * @param url of a RabbitMQ of its own
 */
export async function recordBusyRun(url: string): Promise<BusyRun> {
  const recorder = new Recorder(url);
  const heard = recorder.events as Heard[];
  const ledger = new Ledger();
  const { add } = ledger;
  Object.assign(ledger, {
    add: (entry: LedgerEntry) => {
      if (entry.kind === 'accepted') heard.push({ kind: 'accepted', uuid: entry.uuid });
      add(entry);
    },
  });
  const apps: FaultApp[] = [];
  const start = async (name: string, rest: Partial<AppConfig>): Promise<{ app: FaultApp; cut: () => void }> => {
    const { url: line, proxy } = await recorder.line(name);
    const config: AppConfig = { broker: line, resultBackend: line, exchange: EXCHANGE, defaultRoutingKey: 'key', reconnectionIntervalSeconds: 0.2, ...rest };
    const app = new FaultApp(config, ledger);
    apps.push(app);
    await app.ready();
    return { app, cut: () => proxy.resetAll() };
  };
  const startWorker = (name: string): ReturnType<typeof start> => start(name, { workers: [{ name: 'w', queue: QUEUE, limit: 5, bindingKeys: ['key'] }] });
  try {
    const publisher = await start('publisher', { role: 'publisher', initQueues: [{ name: QUEUE, bindingKeys: ['key'] }] });
    const [a, b] = await Promise.all([startWorker('a'), startWorker('b')]);
    const troubles: (() => unknown)[] = [() => a.app.kill9(), b.cut, publisher.cut, () => startWorker('c'), () => b.app.kill9()];
    const uuids: string[] = [];
    for (let number = 0; number < TASKS; number++) {
      const task = taskOf(number);
      uuids.push(task.uuid);
      publisher.app.tell({ do: 'publish', task });
      await pause(BETWEEN_MS);
      if (number % 16 === 10) await itemAt(troubles, (number - 10) / 16)();
    }
    const traces = await eventually(async () => settleTraces(heard, uuids), (all) => [...all.values()].every(hasEnded), 'an end of every task', { limitMs: SETTLE_LIMIT_MS, everyMs: 500 });
    return { heard, traces };
  } finally {
    await Promise.all(apps.map((app) => app.kill9()));
    await recorder.close();
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

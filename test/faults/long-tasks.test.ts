import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Ledger } from '../support/ledger.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { pause } from '../support/wait.js';
import type { FaultApp } from './apps/fault-app.js';
import { plan, type Plan } from './apps/plan.js';
import { startApp } from './apps/start-app.js';

/** What the server takes away after seconds; each task here runs for longer, and is looked for every second. */
const TIMEOUT_SECONDS = 6;
const LONG_MS = 14_000;
const LIMITS = { consumerTimeoutSeconds: TIMEOUT_SECONDS, takeoverSeconds: 2, ledger: { refreshMs: 2_000 } } as const;
const LIMIT_MS = 120_000;

function longTasks(title: string, url: () => string, type: 'classic' | 'quorum', node?: () => RabbitMqNode): void {
  const prepare = (purpose: string): Plan & { worker(name: string, limit?: number): ReturnType<Plan['worker']> } => {
    const made = plan(url(), purpose, LIMITS);
    return {
      ...made,
      publisher: { ...made.publisher, initQueues: made.publisher.initQueues?.map((queue) => ({ ...queue, type })) },
      worker: (name, limit = 4) => {
        const config = made.worker(name, limit);
        return { ...config, workers: config.workers?.map((worker) => ({ ...worker, type })) };
      },
    };
  };
  const burst = (app: FaultApp, count: number, workMs = LONG_MS): Promise<void> => app.burst({ prefix: 'long', count, window: count, workMs });
  const startedTwice = (ledger: Ledger): string[] => [...ledger.started].filter(([, times]) => times > 1).map(([uuid]) => uuid);

  describe(title, () => {
    it('run once, however long, on any of several processes', async () => {
      const ledger = new Ledger();
      const { publisher, worker } = prepare('long');
      const publishing = await startApp(publisher, ledger);
      await Promise.all(['a', 'b', 'c'].map((name) => startApp(worker(name), ledger)));
      await burst(publishing, 10);
      await ledger.settled(LIMIT_MS);
      console.log(`[ledger] ${title}, ten long tasks: ${ledger.toString()}`);
      expect({ lost: ledger.lost(), starts: ledger.starts, finished: ledger.finished.size, twice: ledger.duplicates() }).toEqual({ lost: [], starts: 10, finished: 10, twice: [] });
    });

    it('run again when the process that has them is killed, and end once', async () => {
      const ledger = new Ledger();
      const { publisher, worker } = prepare('long-kill');
      const publishing = await startApp(publisher, ledger);
      const holder = await startApp(worker('holder'), ledger);
      await burst(publishing, 3);
      await ledger.until(() => ledger.started.size === 3, LIMIT_MS, 'three to start');
      await startApp(worker('heir'), ledger);
      await takenOver();
      await holder.kill9();
      await ledger.settled(LIMIT_MS);
      console.log(`[ledger] ${title}, holder killed: ${ledger.toString()}`);
      expect({ lost: ledger.lost(), starts: ledger.starts, finished: ledger.finished.size, twice: ledger.duplicates() }).toEqual({ lost: [], starts: 6, finished: 3, twice: [] });
    });

    it('go elsewhere at once when their process is shut down', async () => {
      const ledger = new Ledger();
      const { publisher, worker } = prepare('long-stop');
      const publishing = await startApp(publisher, ledger, { keepBooked: true });
      const holder = await startApp({ ...worker('holder'), shutdownTimeoutSeconds: 2 }, ledger);
      await publishing.publish({ uuid: 'held', name: 'hold_politely' });
      await ledger.until(() => ledger.started.size === 1, LIMIT_MS, 'it to start');
      const heir = await startApp(worker('heir'), ledger);
      await takenOver();
      holder.terminate();
      await holder.exited(LIMIT_MS);
      await ledger.until(() => ledger.starts === 2, LIMIT_MS, 'it to start again');
      heir.tell({ do: 'release' });
      await ledger.settled(LIMIT_MS);
      expect({ lost: ledger.lost(), twice: startedTwice(ledger), finished: [...ledger.finished] }).toEqual({ lost: [], twice: ['held'], finished: [['held', 1]] });
    });

    if (node !== undefined) it('are not run twice by a broker that is killed and comes back, nor while it is away', async () => {
      const ledger = new Ledger();
      const { publisher, worker } = prepare('long-broker');
      const publishing = await startApp(publisher, ledger);
      await Promise.all(['a', 'b'].map((name) => startApp(worker(name), ledger)));
      await burst(publishing, 4, 22_000);
      await ledger.until(() => ledger.started.size === 4, LIMIT_MS, 'four to start');
      await takenOver();
      await node().kill9();
      await node().start();
      await ledger.settled(LIMIT_MS);
      console.log(`[ledger] ${title}, broker killed: ${ledger.toString()}`);
      expect({ lost: ledger.lost(), starts: ledger.starts, finished: ledger.finished.size, twice: ledger.duplicates() }).toEqual({ lost: [], starts: 4, finished: 4, twice: [] });
    });
  });
}

/** Nothing tells from outside that a task was taken over: well after the time when it is. */
async function takenOver(): Promise<void> {
  await pause(LONG_MS / 2);
}

describe('tasks that run for longer than RabbitMQ allows', () => {
  let node: RabbitMqNode;
  beforeAll(async () => {
    node = await startRabbitMq({ config: `consumer_timeout = ${TIMEOUT_SECONDS * 1000}`, settings: '{channel_tick_interval, 1000}' });
  });
  afterAll(() => node.stop());

  for (const type of ['classic', 'quorum'] as const) longTasks(`${type} queues`, () => node.url, type, () => node);
});

describe('tasks that run for long on an embedded folder, taken over all the same', () => {
  let folder: string;
  beforeAll(() => { folder = temporaryFolder('long-tasks'); });
  afterAll(() => removeFolder(folder));

  longTasks('an embedded folder', () => `embedded:${folder}`, 'classic');
});

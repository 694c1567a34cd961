import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DispatcherService, QueueType } from '../../lib/index.js';
import { Ledger } from '../support/ledger.js';
import { startOn } from '../support/nest-on-broker.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { withChannel } from '../support/shared-rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { onTestFinished } from '../support/test-end.js';
import { setPolicy } from '../support/virtual-hosts.js';
import { eventually } from '../support/wait.js';
import { FaultApp } from './apps/fault-app.js';
import { plan } from './apps/plan.js';
import type { AppConfig } from './apps/protocol.js';

const LIMIT_MS = 150_000;
const NEIGHBOURS = 30;
/** Taken over after two seconds of each run; who then is dead is known some seconds later. */
const TAKEN_OVER_SOON = { consumerTimeoutSeconds: 6, takeoverSeconds: 1 } as const;

/** What a test of these has: the queue as a publisher in this process sees it, and what others run who work on it. */
interface Scene {
  readonly ledger: Ledger;
  readonly service: DispatcherService;
  worker(name: string): AppConfig;
  /** Resolves when every task is finished or a dead letter. */
  settled(): Promise<void>;
}

async function begin(url: string, purpose: string, type: QueueType | undefined, maxRedeliveries: number, common: Partial<AppConfig> = {}, before: (queue: string) => Promise<void> = () => Promise.resolve()): Promise<Scene> {
  const ledger = new Ledger();
  const { queue, publisher, worker } = plan(url, purpose, { ledger: { refreshMs: 2_000 }, ...common });
  await before(queue);
  const { service } = await startOn({ ...publisher, initQueues: [{ name: queue, bindingKeys: ['key'], ...(type === undefined ? {} : { type }) }] });
  const book = async (): Promise<number> => {
    for (const { id, reason } of (await service.deadLetters.list(queue)).letters) ledger.add({ kind: 'dead', uuid: id, reason });
    return ledger.lost().length;
  };
  return {
    ledger, service,
    worker: (name) => {
      const config = worker(name, 1);
      return { ...config, workers: config.workers?.map((each) => ({ ...each, ...(type === undefined ? {} : { type }), maxRedeliveries })) };
    },
    settled: async () => { await eventually(book, (lost) => lost === 0, 'every task to be finished or dead', { limitMs: LIMIT_MS, everyMs: 500 }); },
  };
}

/** Starts a process anew whenever it ends, as an orchestrator does. The end of the test stops that, and the process. */
function keepRunning(config: AppConfig, ledger: Ledger): void {
  let isOver = false;
  let app: FaultApp;
  const going = (async () => {
    while (!isOver) {
      app = new FaultApp(config, ledger);
      await app.exited(2 * LIMIT_MS);
    }
  })();
  onTestFinished(async () => {
    isOver = true;
    await app.kill9();
    await going;
  });
}

/** All are there before anybody works, so that whoever runs the one that kills holds neighbours too. */
async function publish({ service, ledger }: Scene, killAfterMs: number, neighbours: number): Promise<void> {
  await ledger.offer('killer', () => service.publish({ uuid: 'killer', name: 'kills', args: [{ type: 'int32', value: killAfterMs }] }));
  for (let number = 0; number < neighbours; number++) {
    const uuid = `neighbour-${number}`;
    await ledger.offer(uuid, () => service.publish({ uuid, name: 'work', args: [{ type: 'int32', value: 10 }] }));
  }
}

interface Outcome { lost: string[]; dead: [string, string][]; finished: number; ran: number | undefined }

function outcome(title: string, { ledger }: Scene): Outcome {
  const ran = ledger.started.get('killer');
  console.log(`[ledger] ${title}: ${ledger.toString()}, the one that kills ran ${ran} times`);
  return { lost: ledger.lost(), dead: [...ledger.dead], finished: ledger.finished.size, ran };
}

async function crashLoop(title: string, url: string, type: QueueType): Promise<Outcome> {
  const scene = await begin(url, 'crash-loop', type, 3);
  await publish(scene, 200, NEIGHBOURS);
  for (const name of ['a', 'b']) keepRunning(scene.worker(name), scene.ledger);
  await scene.settled();
  return outcome(title, scene);
}

/** On a quorum queue of others, which lets a message come back less often. */
async function adoptedQueue(node: RabbitMqNode): Promise<Outcome> {
  const scene = await begin(node.url, 'adopted', undefined, 11, {}, async (queue) => {
    await setPolicy(node, '/', '^test-adopted-', { 'delivery-limit': 10 });
    await withChannel(node.url, (channel) => channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } }));
  });
  await publish(scene, 50, 3);
  keepRunning(scene.worker('a'), scene.ledger);
  await scene.settled();
  return outcome('an adopted quorum queue', scene);
}

async function takenOverBefore(url: string): Promise<Outcome> {
  const scene = await begin(url, 'crash-lease', 'classic', 1, TAKEN_OVER_SOON);
  await publish(scene, 4_000, 0);
  keepRunning(scene.worker('a'), scene.ledger);
  await scene.settled();
  return outcome('taken over before', scene);
}

/** All at once: they wait most of the time. */
describe.concurrent('a crash loop', () => {
  let node: RabbitMqNode;
  let folder: string;
  beforeAll(async () => {
    folder = temporaryFolder('crash-loop');
    node = await startRabbitMq();
  });
  afterAll(async () => {
    await node.stop();
    removeFolder(folder);
  });

  it('ends a task that kills its processes, and costs none of those beside it anything', async () => {
    const outcomes = await Promise.all([
      crashLoop('classic queues', node.url, 'classic'), crashLoop('quorum queues', node.url, 'quorum'), crashLoop('an embedded folder', `embedded:${folder}`, 'classic'),
    ]);
    // The first crash is not seen.
    const each = { lost: [], dead: [['killer', 'crash-loop']], finished: NEIGHBOURS, ran: 5 };
    expect(outcomes).toEqual([each, each, each]);
  });

  it('is as long as maxRedeliveries says where a queue of others allows less, and where the task was taken over before', async () => {
    const [adopted, takenOver] = await Promise.all([adoptedQueue(node), takenOverBefore(node.url)]);
    expect(adopted).toEqual({ lost: [], dead: [['killer', 'crash-loop']], finished: 3, ran: 13 });
    expect(takenOver).toEqual({ lost: [], dead: [['killer', 'crash-loop']], finished: 0, ran: 3 });
  });
});

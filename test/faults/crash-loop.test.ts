import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { DispatcherService, QueueType } from '../../lib/index.js';
import { Ledger } from '../support/ledger.js';
import { startOn } from '../support/nest-on-broker.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { withChannel } from '../support/shared-rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
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

function outcome(title: string, { ledger }: Scene): { lost: string[]; dead: [string, string][]; finished: number; ran: number | undefined } {
  const ran = ledger.started.get('killer');
  console.log(`[ledger] ${title}: ${ledger.toString()}, the one that kills ran ${ran} times`);
  return { lost: ledger.lost(), dead: [...ledger.dead], finished: ledger.finished.size, ran };
}

function crashLoops(title: string, url: () => string, type: QueueType): void {
  it(`ends a task that kills its processes, and costs none of those beside it anything, on ${title}`, async () => {
    const scene = await begin(url(), 'crash-loop', type, 3);
    await publish(scene, 200, NEIGHBOURS);
    for (const name of ['a', 'b']) keepRunning(scene.worker(name), scene.ledger);
    await scene.settled();
    // The first crash is not seen.
    expect(outcome(title, scene)).toEqual({ lost: [], dead: [['killer', 'crash-loop']], finished: NEIGHBOURS, ran: 5 });
  });
}

describe('on RabbitMQ, a crash loop', () => {
  let node: RabbitMqNode;
  beforeAll(async () => { node = await startRabbitMq(); });
  afterAll(() => node.stop());

  for (const type of ['classic', 'quorum'] as const) crashLoops(`${type} queues`, () => node.url, type);

  it('is as long as maxRedeliveries says on a quorum queue of others, which lets a message come back less often', async () => {
    const scene = await begin(node.url, 'adopted', undefined, 11, {}, async (queue) => {
      await setPolicy(node, '/', '^test-adopted-', { 'delivery-limit': 10 });
      await withChannel(node.url, (channel) => channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } }));
    });
    await publish(scene, 50, 3);
    keepRunning(scene.worker('a'), scene.ledger);
    await scene.settled();
    expect(outcome('an adopted quorum queue', scene)).toEqual({ lost: [], dead: [['killer', 'crash-loop']], finished: 3, ran: 13 });
  });

  it('ends a task too that is killed after it was taken over', async () => {
    const scene = await begin(node.url, 'crash-lease', 'classic', 1, TAKEN_OVER_SOON);
    await publish(scene, 4_000, 0);
    keepRunning(scene.worker('a'), scene.ledger);
    await scene.settled();
    expect(outcome('taken over before', scene)).toEqual({ lost: [], dead: [['killer', 'crash-loop']], finished: 0, ran: 3 });
  });
});

describe('on the embedded broker, a crash loop', () => {
  let folder: string;
  beforeAll(() => { folder = temporaryFolder('crash-loop'); });
  afterAll(() => removeFolder(folder));

  crashLoops('an embedded folder', () => `embedded:${folder}`, 'classic');
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import { Ledger } from '../support/ledger.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { pause, Signal } from '../support/wait.js';
import type { FaultApp } from './apps/fault-app.js';
import { plan, type Plan } from './apps/plan.js';
import { startApp } from './apps/start-app.js';

/** What the server takes away after seconds; each task here runs for longer, and is looked for every second. */
const TIMEOUT_SECONDS = 6;
const LONG_MS = 14_000;
const LIMITS = { consumerTimeoutSeconds: TIMEOUT_SECONDS, takeoverSeconds: 2, ledger: { refreshMs: 2_000 } } as const;
const LIMIT_MS = 120_000;

/** Where tasks run. All places at once: what these tests do is to wait. */
interface Place {
  readonly title: string;
  readonly url: string;
  readonly type: 'classic' | 'quorum';
}

interface Scene extends Plan { worker(name: string, limit?: number): ReturnType<Plan['worker']> }

async function prepare({ url, type }: Place, purpose: string): Promise<Scene> {
  const made = plan(url, purpose, LIMITS);
  if (url.startsWith('amqp')) await declareDelays(url, made.exchange);
  return {
    ...made,
    publisher: { ...made.publisher, initQueues: made.publisher.initQueues?.map((queue) => ({ ...queue, type })) },
    worker: (name, limit = 4) => {
      const config = made.worker(name, limit);
      return { ...config, workers: config.workers?.map((worker) => ({ ...worker, type })) };
    },
  };
}

/** On a busy machine the many queues of delays take longer to make than a task may run here before it is taken over by them. */
async function declareDelays(url: string, exchange: string): Promise<void> {
  const broker = new AmqpBroker({ url, exchange, reconnection: { retries: 'forever' } });
  const queue = `${exchange}.first`;
  await broker.connect();
  await broker.declare({ queues: [{ name: queue }] });
  await broker.publish({ body: Buffer.from('first'), properties: {} }, { queue }, { delayMs: 1 });
  await broker.close(5_000);
}

const burst = (app: FaultApp, count: number, workMs = LONG_MS): Promise<void> => app.burst({ prefix: 'long', count, window: count, workMs });
const startedTwice = (ledger: Ledger): string[] => [...ledger.started].filter(([, times]) => times > 1).map(([uuid]) => uuid);

interface Outcome { lost: string[]; starts: number; finished: number; twice: string[] }

function outcome(title: string, ledger: Ledger): Outcome {
  console.log(`[ledger] ${title}: ${ledger.toString()}`);
  return { lost: ledger.lost(), starts: ledger.starts, finished: ledger.finished.size, twice: ledger.duplicates() };
}

/** Nothing tells from outside that a task was taken over: well after the time when it is. */
async function takenOver(): Promise<void> {
  await pause(LONG_MS / 2);
}

async function severalProcesses(place: Place): Promise<Outcome> {
  const ledger = new Ledger();
  const { publisher, worker } = await prepare(place, 'long');
  const publishing = await startApp(publisher, ledger);
  await Promise.all(['a', 'b', 'c'].map((name) => startApp(worker(name), ledger)));
  await burst(publishing, 10);
  await ledger.settled(LIMIT_MS);
  return outcome(`${place.title}, ten long tasks`, ledger);
}

async function holderKilled(place: Place): Promise<Outcome> {
  const ledger = new Ledger();
  const { publisher, worker } = await prepare(place, 'long-kill');
  const publishing = await startApp(publisher, ledger);
  const holder = await startApp(worker('holder'), ledger);
  await burst(publishing, 3);
  await ledger.until(() => ledger.started.size === 3, LIMIT_MS, 'three to start');
  await startApp(worker('heir'), ledger);
  await takenOver();
  await holder.kill9();
  await ledger.settled(LIMIT_MS);
  return outcome(`${place.title}, holder killed`, ledger);
}

async function holderShutDown(place: Place): Promise<Outcome> {
  const ledger = new Ledger();
  const { publisher, worker } = await prepare(place, 'long-stop');
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
  return { ...outcome(`${place.title}, holder shut down`, ledger), twice: startedTwice(ledger) };
}

/** @param allReady resolves once the broker was killed and is back, after all places had taken their tasks over */
async function brokerKilled(place: Place, allReady: () => Promise<void>): Promise<Outcome> {
  const ledger = new Ledger();
  const { publisher, worker } = await prepare(place, 'long-broker');
  const publishing = await startApp(publisher, ledger);
  await Promise.all(['a', 'b'].map((name) => startApp(worker(name), ledger)));
  await burst(publishing, 4, 22_000);
  await ledger.until(() => ledger.started.size === 4, LIMIT_MS, 'four to start');
  await allReady();
  await ledger.settled(LIMIT_MS);
  return outcome(`${place.title}, broker killed`, ledger);
}

describe('tasks that run for longer than the broker allows', () => {
  let node: RabbitMqNode;
  let folder: string;
  beforeAll(async () => {
    folder = temporaryFolder('long-tasks');
    node = await startRabbitMq({ config: `consumer_timeout = ${TIMEOUT_SECONDS * 1000}`, settings: '{channel_tick_interval, 1000}' });
  });
  afterAll(async () => {
    await node.stop();
    removeFolder(folder);
  });

  const onRabbitMq = (): Place[] => (['classic', 'quorum'] as const).map((type) => ({ title: `${type} queues`, url: node.url, type }));
  const everywhere = (): Place[] => [...onRabbitMq(), { title: 'an embedded folder', url: `embedded:${folder}`, type: 'classic' }];

  async function outcomes(places: Place[], scenario: (place: Place) => Promise<Outcome>): Promise<Record<string, Outcome>> {
    return Object.fromEntries(await Promise.all(places.map(async (place) => [place.title, await scenario(place)] as const)));
  }

  const eachIs = (places: Place[], expected: Outcome): Record<string, Outcome> => Object.fromEntries(places.map(({ title }) => [title, expected]));

  it('run once, however long, on any of several processes', async () => {
    expect(await outcomes(everywhere(), severalProcesses)).toEqual(eachIs(everywhere(), { lost: [], starts: 10, finished: 10, twice: [] }));
  });

  it('run again when the process that has them is killed, and end once', async () => {
    expect(await outcomes(everywhere(), holderKilled)).toEqual(eachIs(everywhere(), { lost: [], starts: 6, finished: 3, twice: [] }));
  });

  it('go elsewhere at once when their process is shut down', async () => {
    expect(await outcomes(everywhere(), holderShutDown)).toEqual(eachIs(everywhere(), { lost: [], starts: 2, finished: 1, twice: ['held'] }));
  });

  it('are not run twice by a broker that is killed and comes back, nor while it is away', async () => {
    const places = onRabbitMq();
    let [waiting, kill] = [places.length, undefined as Promise<void> | undefined];
    const allRun = new Signal();
    const allReady = async (): Promise<void> => {
      if (--waiting === 0) allRun.fire();
      await allRun.within(LIMIT_MS, 'all to run');
      await (kill ??= takenOver().then(() => node.kill9()).then(() => node.start()));
    };
    expect(await outcomes(places, (place) => brokerKilled(place, allReady))).toEqual(eachIs(places, { lost: [], starts: 4, finished: 4, twice: [] }));
  });
});

import { parseArgs } from 'node:util';
import type { QueueType } from '../../lib/index.js';
import { startRabbitMq } from '../support/rabbitmq.js';
import { Account } from './account.js';
import { readDeadLetters } from './dead-letters.js';
import { Pauses } from './pauses.js';
import { MAX_REDELIVERIES, WORKER, type AppConfig } from './protocol.js';
import { Random } from './random.js';
import { Sender } from './sender.js';
import { Station } from './station.js';
import { Troubles, type Scene } from './troubles.js';

/** `run.js --minutes 10 --queue-type quorum --seed 1 --name 4.3.6`: see docs/testing.md. */

const WORKERS = 3;
const LIMIT = 10;
const SHUTDOWN_SECONDS = 3;
const EXCHANGE = 'endurance';
const QUEUE = 'endurance.q';
const READY_LIMIT_MS = 120_000;
/** In which at least one has to end. */
const SETTLE_LIMIT_MS = 300_000;
const REPORT_EVERY_MS = 30_000;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, 'queue-type': { type: 'string', default: 'classic' }, seed: { type: 'string' }, name: { type: 'string', default: 'RabbitMQ' } },
});
const seconds = Number(values.minutes) * 60;
const type = values['queue-type'] as QueueType;
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
const startedAt = performance.now();

function tell(text: string): void {
  console.error(`[${String(Math.round((performance.now() - startedAt) / 1000)).padStart(4)} s] ${text}`);
}

const account = new Account();
const configOf = (broker: string): AppConfig => ({
  broker, exchange: EXCHANGE, defaultRoutingKey: 'key', reconnectionIntervalSeconds: 0.2, shutdownTimeoutSeconds: SHUTDOWN_SECONDS, publishTimeoutSeconds: 20,
});
const worker = { name: WORKER, queue: QUEUE, bindingKeys: ['key'], limit: LIMIT, maxRedeliveries: MAX_REDELIVERIES, type };

async function main(): Promise<void> {
  tell(`${values.minutes} minutes of troubles on ${values.name}, ${type} queue, seed ${seed}`);
  const node = await startRabbitMq();
  const stations: Station[] = [];
  try {
    const publisher = await Station.open(node.url, (url) => ({ ...configOf(url), role: 'publisher', initQueues: [{ name: QUEUE, bindingKeys: ['key'], type }] }), account);
    stations.push(publisher);
    for (let count = 0; count < WORKERS; count++) stations.push(await Station.open(node.url, (url) => ({ ...configOf(url), workers: [worker] }), account));
    await Promise.all(stations.map((station) => station.now.started(READY_LIMIT_MS)));
    const scene: Scene = { node, queue: QUEUE, publisher, workers: stations.slice(1), pauses: new Pauses(publisher), shutdownMs: SHUTDOWN_SECONDS * 1000 };
    const troubles = await makeTroubles(scene);
    const settled = await settle(scene);
    conclude(scene, troubles, settled);
  } finally {
    await Promise.all(stations.map((station) => station.close()));
    await node.stop();
  }
}

async function makeTroubles(scene: Scene): Promise<Troubles> {
  const troubles = new Troubles(scene, new Random(seed));
  const sender = new Sender(scene.publisher, account, new Random(seed + 1), seconds);
  const report = setInterval(() => tell(`${account.ledger.toString()}; ${troubles.toString()}`), REPORT_EVERY_MS);
  try {
    await troubles.until(performance.now() + seconds * 1000);
  } finally {
    sender.stop();
    clearInterval(report);
  }
  return troubles;
}

/** Everything whole again; then everything that was accepted has to end. Returns what is missing. */
async function settle({ node, publisher, workers, pauses }: Scene): Promise<string> {
  tell('The troubles are over; what is left is worked off ...');
  for (const { proxy } of [publisher, ...workers]) proxy.set('pass');
  const stopReading = await readDeadLetters(node.url, [`${QUEUE}.dead`, `${EXCHANGE}.undelivered`], (dead) => account.dead(dead));
  try {
    await pauses.resumeAll();
    return await allEnded();
  } catch (error) {
    return (error as Error).message;
  } finally {
    await stopReading();
  }
}

/** As long as something still ends, it is waited for: suspects run one at a time, which takes a busy machine long. Returns what is missing. */
async function allEnded(): Promise<string> {
  const { ledger } = account;
  for (let before = -1; ;) {
    const ended = ledger.finished.size + ledger.dead.size;
    try {
      await ledger.settled(SETTLE_LIMIT_MS);
      return '';
    } catch (error) {
      if (ended === before) return (error as Error).message;
      before = ended;
    }
  }
}

function conclude({ workers, publisher }: Scene, troubles: Troubles, unsettled: string): void {
  const { ledger } = account;
  const [lost, invented, wrong] = [ledger.lost(), account.invented(), account.chargedWrongly()];
  const surprises = [publisher, ...workers].flatMap((station) => station.surprises);
  for (const line of [...wrong, ...invented.map((uuid) => `${uuid} was never published`), ...surprises].slice(0, 40)) console.error(line);
  if (unsettled !== '') console.error(unsettled);
  tell(`${account.kinds()}; ${troubles.toString()}; processes ${workers.reduce((sum, { starts }) => sum + starts, publisher.starts)}`);
  const cells = [values.name, type, values.minutes, ledger.accepted.size, ledger.starts, ledger.finished.size, account.deadOf('failed'), account.deadOf('crash-loop'), ledger.duplicates().length, lost.length, wrong.length, seed];
  console.log(`| ${cells.join(' | ')} |`);
  process.exitCode = lost.length + invented.length + wrong.length + surprises.length === 0 && unsettled === '' ? 0 : 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
  // By itself Node now and then waits for ever for a handle that it has closed already.
}).finally(() => process.exit());

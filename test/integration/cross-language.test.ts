import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { DispatcherService, TaskInput } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { installCelery, startCeleryWorker, type CeleryPeer } from '../support/celery-peer.js';
import { buildMachineryPeer, startMachineryWorker, type MachineryPeer } from '../support/machinery-peer.js';
import { startOn } from '../support/nest-on-broker.js';
import { startScript, type Child } from '../support/processes.js';
import { isMissing, ResultServers } from '../support/result-servers.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';

/** So many chains, and as many chords. */
const EACH = 20;
/**
 * Of workers on each side. What a worker in Go holds when it is killed on Redis is lost, and what one of Celery holds comes
 * back after an hour, so there it is ours alone; each time it takes ten seconds until another takes over.
 */
const KILLS = { RabbitMQ: { ours: 4, theirs: 4 }, Redis: { ours: 1, theirs: 0 } };
/** So many tasks of ours have run before the next kill, and theirs is killed in the midst of its task of this number. */
const BETWEEN = 6;
const LIMIT_SECONDS = 150;
/** What of ours was going on last when it is killed: a handler that runs, or a task of which the end is being recorded. */
const MOMENTS = ['adding', 'added'];

type System = 'machinery' | 'celery';
type BrokerName = keyof typeof KILLS;
type Results = Map<string, { readonly expected: number; readonly result: Promise<unknown> }>;

const servers = new ResultServers();
let machinery: MachineryPeer;
let celery: CeleryPeer;
beforeAll(async () => { [machinery, celery] = [await buildMachineryPeer(), await installCelery()]; }, 600_000);
afterAll(() => servers.stop());

interface Place { readonly url: string; readonly exchange: string; readonly ours: string; readonly theirs: string; readonly store: string }

async function placeOn(broker: BrokerName): Promise<Place> {
  const [exchange, store] = [uniqueName('border'), await servers.url('Redis')];
  const place = { url: broker === 'Redis' ? store : sharedRabbitMqUrl(), exchange, ours: `${exchange}.ours`, theirs: `${exchange}.theirs`, store };
  if (broker === 'RabbitMQ') onTestFinished(() => removeExchange(place.url, exchange, [place.ours, place.theirs]));
  return place;
}

/** Workers of one side, of which one lives at a time; the last one is ended with the test. */
class Side {
  private worker: Child | undefined;

  /** @param begin is told whether the worker is the last one */
  constructor(private readonly begin: (isLast: boolean) => Child) {
    onTestFinished(() => this.worker?.stop());
  }

  start(isLast = false): void {
    this.worker = this.begin(isLast);
  }

  /** `kill -9`, once the worker that runs has come so far. */
  async kill(isDue: (lines: readonly string[]) => boolean, what: string, isLast: boolean): Promise<void> {
    const worker = this.worker as Child;
    await worker.lines.until(() => isDue(worker.lines.all), 60_000, () => `${what}; it wrote ${worker.lines.all.slice(-20).join(', ')}\n${worker.stderr}`);
    await worker.stop();
    this.start(isLast);
  }
}

function sidesOf(system: System, broker: BrokerName, { url, exchange, ours, theirs, store }: Place): { readonly mine: Side; readonly other: Side } {
  const mine = new Side(() => startScript('test/integration/apps/cross-language.ts', { args: [system, url, exchange, ours, store] }));
  const hold = (isLast: boolean): number => (isLast || KILLS[broker].theirs === 0 ? 0 : BETWEEN);
  if (system === 'machinery') return { mine, other: new Side((isLast) => startMachineryWorker((machinery as { program: string }).program, { url, exchange, queue: theirs, other: ours, backend: store }, hold(isLast))) };
  return { mine, other: new Side((isLast) => startCeleryWorker((celery as { python: string }).python, { BROKER: url, THEIRS: theirs, OURS: ours, BACKEND: store }, hold(isLast))) };
}

async function send(service: DispatcherService, system: System, { ours, theirs }: Place): Promise<Results> {
  const [foreign, results] = [service.foreign(system), new Map() as Results];
  const add = (value: number, routingKey: string): TaskInput => ({
    name: routingKey === ours ? 'ours.add' : system === 'machinery' ? 'go.border' : 'py.border', routingKey,
    args: [system === 'machinery' ? { type: 'int64', value: BigInt(value) } : { type: 'int', value }],
  });
  const note = (name: string, expected: number, task: { result(options: { timeoutSeconds: number }): Promise<unknown> } | undefined): void => {
    const result = (task as NonNullable<typeof task>).result({ timeoutSeconds: LIMIT_SECONDS });
    result.catch(() => undefined);
    results.set(name, { expected, result });
  };
  for (let index = 0; index < EACH; index++) {
    const chain = await foreign.chain([add(index, ours), add(1, theirs), add(10, ours), add(100, theirs)]);
    note(`chain ${index}`, index + 111, chain.at(-1));
    const chord = await foreign.chord([add(index, ours), add(1, theirs), add(10, ours), add(100, theirs)], add(1000, index % 2 === 0 ? ours : theirs));
    note(`chord ${index}`, index + 1111, chord.callback);
  }
  return results;
}

async function wrongOf(results: Results): Promise<string[]> {
  const wrong: string[] = [];
  for (const [name, { expected, result }] of results) {
    const found = await result.catch((error: Error) => error.message);
    if (Number(found) !== expected) wrong.push(`${name}: ${String(found)} instead of ${expected}`);
  }
  return wrong;
}

const CASES: readonly [system: System, broker: BrokerName][] = [['machinery', 'RabbitMQ'], ['celery', 'RabbitMQ'], ['machinery', 'Redis'], ['celery', 'Redis']];

describe.each(CASES)('chains and chords that cross the border to %s and back on %s, while workers are killed', (system, broker) => {
  it('come to the right result, all of them', async ({ skip }) => {
    const peer = system === 'machinery' ? machinery : celery;
    if ('unavailable' in peer) return skip(peer.unavailable);
    if (isMissing('Redis')) return skip('no Redis here');
    const place = await placeOn(broker);
    const { url, exchange, ours, theirs, store } = place;
    const own = broker === 'Redis' ? { format: system } : {};
    const { service } = await startOn({
      broker: url, exchange, defaultRoutingKey: ours, role: 'publisher', shutdownTimeoutSeconds: 10, foreignResults: { [system]: { url: store, expiresInSeconds: 600 } },
      initQueues: [{ name: ours, bindingKeys: [ours], ...own }, { name: theirs, bindingKeys: [theirs], ...own }],
    });
    const { mine, other } = sidesOf(system, broker, place);
    mine.start();
    other.start();
    const results = await send(service, system, place);
    const kills = KILLS[broker];
    // machinery itself loses a chord whose callback it was about to send: so theirs is killed in the midst of a task. Ours is killed at any moment.
    const killOther = async (): Promise<void> => {
      for (let kill = 1; kill <= kills.theirs; kill++) await other.kill((lines) => lines.includes('held'), `a task that ${system} is killed in`, kill === kills.theirs);
    };
    const killMine = async (): Promise<void> => {
      for (let kill = 1; kill <= kills.ours; kill++) {
        await mine.kill((lines) => lines.filter((line) => line === MOMENTS[kill % MOMENTS.length]).length >= BETWEEN, `${BETWEEN} tasks of ours between two kills`, kill === kills.ours);
      }
    };
    await Promise.all([killOther(), killMine()]);
    expect(await wrongOf(results)).toEqual([]);
    expect(await service.depth(`${ours}.dead`) ?? 0).toBe(0);
  }, 300_000);
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { BuiltInFormat, DispatcherService, TaskInput, TaskMap } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { installCelery, sendByCelery, type CeleryPeer } from '../support/celery-peer.js';
import { buildGocraftPeer, Gocraft, type GocraftPeer } from '../support/gocraft-peer.js';
import { golden, goldenNames, readGoldenJson } from '../support/golden.js';
import { buildMachineryPeer, machineryWorker, sendByMachinery, type MachineryPeer } from '../support/machinery-peer.js';
import { redisBroker, startOn } from '../support/nest-on-broker.js';
import { sharedRabbitMqUrl, uniqueName, withChannel } from '../support/shared-rabbitmq.js';
import { findSidekiq, Sidekiq, type SidekiqPeer } from '../support/sidekiq-peer.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { Arrivals } from '../support/wait.js';

const EACH = 100;
const FORMATS: readonly BuiltInFormat[] = ['gofort', 'machinery', 'celery', 'celery1', 'cloudevents', 'cloudevents-binary', 'hutch'];
/** Whose programs are in no registry. */
const RECORDED = [...['hutch', 'event'].flatMap((folder) => goldenNames(folder).map((name) => golden(folder, name))).filter(({ routingKey }) => routingKey?.startsWith('it.') === true), ...gocelery(), ...gofort()];
const NAMES = ['it.greet', 'it.other.x', 'it.ok', 'it.fails', 'add', 'addk', 'task_1', 'all_types', 'lists'];

type Recorded = Pick<ReturnType<typeof golden>, 'body' | 'properties' | 'routingKey'>;

function gocelery(): Recorded[] {
  const { celery } = readGoldenJson('gocelery/redis-after-enqueue.json') as { celery: { value: string[] } };
  return celery.value.map((element) => ({ body: Buffer.from((JSON.parse(element) as { body: string }).body, 'base64'), routingKey: undefined, properties: { contentType: 'application/json' } }));
}

function gofort(): Recorded[] {
  const { bodies } = readGoldenJson('gofort/vectors.json') as { bodies: { body: string }[] };
  return bodies.map(({ body }) => ({ body: Buffer.from(body), routingKey: undefined, properties: { contentType: 'application/json' } }));
}

let machinery: MachineryPeer;
let celery: CeleryPeer;
let gocraft: GocraftPeer;
let sidekiq: SidekiqPeer;
beforeAll(async () => {
  [machinery, celery, gocraft, sidekiq] = await Promise.all([buildMachineryPeer(), installCelery(), buildGocraftPeer(), findSidekiq()]);
}, 600_000);
afterAll(() => { for (const peer of [machinery, celery, gocraft, sidekiq]) if ('unavailable' in peer) console.warn(`Not seen beside it: ${peer.unavailable}`); });

interface Sent { readonly of: string; readonly index: number }

/** What has come, by whom it was sent. */
class Receipts {
  private readonly came = new Arrivals<Sent>();

  tasks(): TaskMap {
    const add = (of: string, index: unknown): void => this.came.add({ of, index: Number(index) });
    const functions: Readonly<Record<string, (...values: never[]) => unknown>> = {
      'mixed': add, 'mixed.hutch': ({ of, index }: Sent) => add(of, index),
      'ours.any': (first: unknown) => add(typeof first === 'bigint' ? 'Go' : 'Python', first), 'Ours::Any': (index: unknown) => add('Ruby', index), 'ours_any': ({ index }: Sent) => add('gocraft', index),
      'ours.step': (value: number | bigint) => (typeof value === 'bigint' ? value + 1n : value + 1), 'ours.fails': () => add('what would fail', 0), 'ours.end': () => add('what follows', 0),
      ...Object.fromEntries(NAMES.map((name) => [name, () => add('recorded', 0)])),
    };
    return Object.fromEntries(Object.entries(functions).map(([name, run]) => [name, { function: run as (...values: unknown[]) => unknown }]));
  }

  async all(expected: ReadonlyMap<string, number>): Promise<void> {
    const came = await this.came.count([...expected.values()].reduce((sum, count) => sum + count, 0), 90_000, 'tasks of all senders');
    for (const [of, count] of expected) {
      const numbers = came.filter((one) => one.of === of).map(({ index }) => index);
      expect([of, numbers.length]).toEqual([of, count]);
      if (count === EACH) expect([of, new Set(numbers).size]).toEqual([of, EACH]);
    }
  }
}

function inAllFormats(index: number): TaskInput[] {
  return FORMATS.map((format) => (format === 'hutch'
    ? { name: 'mixed.hutch', format, args: [{ type: 'json', value: { of: format, index } }] }
    : { name: 'mixed', format, args: [{ type: 'string', value: format }, { type: 'int', value: index }] }));
}

async function publishAll(service: DispatcherService, expected: Map<string, number>): Promise<void> {
  for (const format of FORMATS) expected.set(format, EACH);
  const outcomes = await service.publishMany(Array.from({ length: EACH }, (_, index) => inAllFormats(index)).flat());
  expect(outcomes.filter(({ accepted }) => !accepted)).toEqual([]);
}

function lines(folder: string, name: string, jobs: readonly object[]): string {
  const file = join(folder, name);
  writeFileSync(file, jobs.map((job) => JSON.stringify(job)).join('\n'));
  return file;
}

const numbered = <T>(make: (index: number) => T): T[] => Array.from({ length: EACH }, (_, index) => make(index));

function sendFromPython(python: string, url: string, queue: string, folder: string): Promise<void> {
  const file = join(folder, 'python.json');
  writeFileSync(file, JSON.stringify(numbered((index) => ({ name: 'ours.any', args: [index] }))));
  return sendByCelery(python, { BROKER: url, OURS: queue, THEIRS: `${queue}.theirs` }, file);
}

async function noneDead(service: DispatcherService, dead: Arrivals<unknown>, queues: readonly string[]): Promise<void> {
  expect(dead.all).toEqual([]);
  for (const queue of queues) expect([queue, await service.depth(`${queue}.dead`) ?? 0]).toEqual([queue, 0]);
}

function note(expected: Map<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [of, count] of Object.entries(more)) expected.set(of, (expected.get(of) ?? 0) + count);
}

describe('what all kinds of senders send at once', () => {
  let folder: string;
  beforeAll(() => { folder = temporaryFolder('mixed'); });
  afterAll(() => removeFolder(folder));

  it('into one queue of RabbitMQ is worked off by one worker, and nothing of it lands in the dead letters', async () => {
    const [broker, exchange] = [sharedRabbitMqUrl(), uniqueName('mixed')];
    const [queue, go] = [`${exchange}.q`, `${exchange}.go`];
    onTestFinished(() => removeExchange(broker, exchange, [queue, go, `${queue}.theirs`]));
    const [receipts, dead, expected] = [new Receipts(), new Arrivals<unknown>(), new Map<string, number>()];
    const { service } = await startOn({ broker, exchange, defaultRoutingKey: queue, shutdownTimeoutSeconds: 10, initQueues: [{ name: go, bindingKeys: [go] }, { name: `${queue}.theirs`, bindingKeys: [`${queue}.theirs`] }] });
    service.events({ type: 'task.dead-lettered' }).subscribe(dead.add);
    // Bare JSON, as Hutch sends it, is seen from nothing: it is what the worker takes for granted where it sees nothing else.
    const worker = await service.createWorker({ name: 'ours', queue, format: 'hutch', bindingKeys: [queue, 'mixed.hutch', ...NAMES.filter((name) => name.startsWith('it.'))], limit: 10, unknownTaskGraceSeconds: 0 }, receipts.tasks());
    await worker.start();
    const sending = [publishAll(service, expected), withChannel(broker, async (channel) => {
      for (const { body, properties, routingKey } of RECORDED) channel.publish(exchange, routingKey ?? queue, body, { ...properties, persistent: true });
      await channel.waitForConfirms();
    })];
    note(expected, { recorded: RECORDED.length });
    if ('program' in machinery) {
      const surroundings = { url: broker, exchange, queue: go, other: queue };
      // It has a step of the chain that goes through both.
      const theirs = machineryWorker(machinery.program, surroundings);
      onTestFinished(async () => {
        const ended = new Promise((resolve) => theirs.once('exit', resolve));
        theirs.kill('SIGKILL');
        await ended;
      });
      sending.push(sendByMachinery(machinery.program, surroundings, EACH));
      note(expected, { Go: EACH, 'what would fail': 1, 'what follows': 1 });
    }
    if ('python' in celery) {
      sending.push(sendFromPython(celery.python, broker, queue, folder));
      // Its chain waits for a worker in Python.
      note(expected, { Python: EACH, 'what would fail': 1, 'what follows': 1 });
    }
    await Promise.all(sending);
    await receipts.all(expected);
    await noneDead(service, dead, [queue]);
  }, 180_000);

  it.each(redisBroker())('into queues of each of their systems, and all of ours into one of our own, on %s, is worked off by one process', async (_title, url) => {
    const [broker, exchange] = [url(), uniqueName('mixed')];
    const [own, ruby, pool, go, python] = ['own', 'ruby', 'pool', 'go', 'python'].map((name) => `${exchange}.${name}`) as [string, string, string, string, string];
    const [receipts, dead, expected] = [new Receipts(), new Arrivals<unknown>(), new Map<string, number>()];
    // What goes on in Go and in Python waits there for a worker of theirs.
    const theirs = ([[go, 'machinery'], [python, 'celery']] as const).map(([queue, format]) => ({ name: `${queue}.theirs`, bindingKeys: [`${queue}.theirs`], format }));
    const { service } = await startOn({ broker, exchange, defaultRoutingKey: own, shutdownTimeoutSeconds: 10, initQueues: theirs });
    service.events({ type: 'task.dead-lettered' }).subscribe(dead.add);
    const worked: [queue: string, format?: BuiltInFormat][] = [[own], [ruby, 'sidekiq'], [pool, 'gocraft'], [go, 'machinery'], [python, 'celery']];
    for (const [queue, format] of worked) {
      const bindingKeys = queue === own ? [own, 'mixed.hutch'] : [queue];
      await (await service.createWorker({ name: queue, queue, bindingKeys, limit: 10, unknownTaskGraceSeconds: 0, ...(format === undefined ? {} : { format }) }, receipts.tasks())).start();
    }
    const sending = [publishAll(service, expected)];
    if ('version' in sidekiq) {
      sending.push(new Sidekiq(broker, ruby).send(lines(folder, 'ruby.jsonl', numbered((index) => ({ class: 'Ours::Any', queue: ruby, args: [index] })))));
      note(expected, { Ruby: EACH });
    }
    if ('program' in gocraft) {
      sending.push(new Gocraft(gocraft.program, new URL(broker).host, pool).send(lines(folder, 'gocraft.jsonl', numbered((index) => ({ Name: 'ours_any', Args: { index } })))));
      note(expected, { gocraft: EACH });
    }
    if ('program' in machinery) {
      sending.push(sendByMachinery(machinery.program, { url: broker, exchange, queue: `${go}.theirs`, other: go }, EACH));
      note(expected, { Go: EACH, 'what would fail': 1 });
    }
    if ('python' in celery) {
      sending.push(sendFromPython(celery.python, broker, python, folder));
      note(expected, { Python: EACH, 'what would fail': 1, 'what follows': 1 });
    }
    await Promise.all(sending);
    await receipts.all(expected);
    await noneDead(service, dead, worked.map(([queue]) => queue));
  }, 180_000);
});

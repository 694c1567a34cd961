import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import type { Delivery } from '../../lib/brokers/broker.js';
import { gofortFormat } from '../../lib/formats/gofort.js';
import type { Task, TaskArgument } from '../../lib/task/task.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { buildGoPeer, type GoPeer } from '../support/go-peer.js';
import { startProcess, type Child } from '../support/processes.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { Arrivals } from '../support/wait.js';

const TASKS = 20;

/** What Go sends: every type at the edge of its range. The 64-bit ones arrive exactly, as bigint where a number cannot hold them. */
function fromGo(n: number): TaskArgument[] {
  return [
    { type: 'bool', value: true },
    { type: 'string', value: `task ${n} <ünï & ☃> \u2028` },
    { type: 'int', value: -(2n ** 63n) },
    { type: 'int8', value: -128 },
    { type: 'int16', value: -32768 },
    { type: 'int32', value: -2147483648 },
    { type: 'int64', value: -(2n ** 63n) },
    { type: 'uint', value: 2n ** 64n - 1n },
    { type: 'uint8', value: 255 },
    { type: 'uint16', value: 65535 },
    { type: 'uint32', value: 4294967295 },
    { type: 'uint64', value: 2n ** 64n - 1n },
    { type: 'float32', value: 1.5 },
    { type: 'float64', value: 1e17 },
  ];
}

/** What we send. Go reads numbers as float64, so 64-bit integers stay within 2^53 here: beyond it Go rounds. */
function toGo(n: number): TaskArgument[] {
  return [
    { type: 'bool', value: true }, { type: 'string', value: `task ${n} <ünï & ☃> \u2028` },
    { type: 'int', value: -9007199254740991 }, { type: 'int8', value: -128 }, { type: 'int16', value: -32768 }, { type: 'int32', value: -2147483648 },
    { type: 'int64', value: -9007199254740991n }, { type: 'uint', value: 9007199254740991 }, { type: 'uint8', value: 255 }, { type: 'uint16', value: 65535 },
    { type: 'uint32', value: 4294967295 }, { type: 'uint64', value: 9007199254740991n }, { type: 'float32', value: 1.5 }, { type: 'float64', value: 0.1 },
  ];
}

function asGoPrintsIt(n: number): string[] {
  return [
    'bool true', `string task ${n} <ünï & ☃> \u2028`, 'int -9007199254740991', 'int8 -128', 'int16 -32768', 'int32 -2147483648', 'int64 -9007199254740991',
    'uint 9007199254740991', 'uint8 255', 'uint16 65535', 'uint32 4294967295', 'uint64 9007199254740991', 'float32 1.5', 'float64 0.1',
  ];
}

describe.each([
  // The real library, where its module can be downloaded; it says NOT TESTED where it cannot.
  { kind: 'gofort' },
  // A Go peer of our own that keeps to the documented wire format. It proves Go's JSON, not the library.
  { kind: 'stand-in' },
] as const)('one exchange and one queue with Go: $kind', ({ kind }) => {
  const url = sharedRabbitMqUrl();
  const folder = temporaryFolder('go');
  let peer: GoPeer;
  let names: { exchange: string; queue: string; key: string };
  let broker: AmqpBroker;
  const children: Child[] = [];

  beforeAll(async () => {
    peer = await buildGoPeer(kind, folder);
    if ('unavailable' in peer) console.warn(`NOT TESTED ${kind}: ${peer.unavailable}`);
  }, 300_000);
  afterAll(() => removeFolder(folder));

  beforeEach((context) => {
    if ('unavailable' in peer) context.skip(peer.unavailable);
    names = { exchange: uniqueName('go-exchange'), queue: uniqueName('go-queue'), key: uniqueName('go-key') };
    broker = new AmqpBroker({ url, exchange: names.exchange, reconnection: { retries: 'forever' } });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await child.stop();
    if (broker === undefined || 'unavailable' in peer) return;
    await broker.close(5_000);
    await removeExchange(url, names.exchange, [names.queue]);
  });

  function startGo(command: 'send' | 'work', ...flags: string[]): Child {
    const child = startProcess((peer as { program: string }).program,
      ['-url', url, '-exchange', names.exchange, '-queue', names.queue, '-key', names.key, ...flags, command]);
    children.push(child);
    return child;
  }

  async function declareOurs(): Promise<void> {
    await broker.connect();
    await broker.declare({ queues: [{ name: names.queue, bindingKeys: [names.key] }] });
  }

  async function collectTasks(): Promise<Arrivals<{ task: Task; delivery: Delivery }>> {
    const arrivals = new Arrivals<{ task: Task; delivery: Delivery }>();
    await broker.consume(names.queue, { tag: 'ours', prefetch: 3 }, (delivery) => {
      arrivals.add({ task: gofortFormat.decode(delivery), delivery });
      delivery.ack();
    });
    return arrivals;
  }

  async function publishOurs(count: number): Promise<string> {
    const tasks: Task[] = Array.from({ length: count }, (_, n) => ({ uuid: randomUUID(), name: 'all_types', args: toGo(n) }));
    const withUuid: Task = { uuid: randomUUID(), name: 'with_uuid', args: [{ type: 'string', value: 'last' }] };
    await Promise.all([...tasks, withUuid].map((task) => broker.publish(gofortFormat.encode(task), { routingKey: names.key })));
    return withUuid.uuid;
  }

  async function expectGoRan(worker: Child, uuid: string): Promise<void> {
    const isRun = (line: string): boolean => line.startsWith('{') && (JSON.parse(line) as { kind: string }).kind === 'ran';
    await worker.lines.until(() => worker.lines.all.filter(isRun).length === TASKS + 1, 30_000, () => `${TASKS + 1} runs in Go\n${worker.stderr}`);
    const runs = worker.lines.all.filter(isRun).map((line) => JSON.parse(line) as { name: string; args: string[] });
    const inOrder = (texts: string[]): string[] => [...texts].sort();
    expect(inOrder(runs.filter(({ name }) => name === 'all_types').map(({ args }) => args.join('|'))))
      .toEqual(inOrder(Array.from({ length: TASKS }, (_, n) => asGoPrintsIt(n).join('|'))));
    expect(runs.find(({ name }) => name === 'with_uuid')?.args).toEqual([uuid, 'last']);
  }

  it('runs here what Go sends, declared by Go first: fourteen types, and none of them rounded', async () => {
    await startGo('send', '-count', String(TASKS)).line(/"sent"/);
    await declareOurs();
    const arrivals = await collectTasks();
    await arrivals.count(TASKS + 1);
    const tasks = arrivals.all.map(({ task }) => task);
    expect(tasks.map(({ name }) => name)).toEqual([...Array.from({ length: TASKS }, () => 'all_types'), 'without_arguments']);
    tasks.slice(0, TASKS).forEach((task, n) => expect(task.args).toEqual(fromGo(n)));
    expect(tasks.at(-1)?.args).toEqual([]);
    expect(new Set(tasks.map(({ uuid }) => uuid)).size).toBe(TASKS + 1);
    const { properties } = (arrivals.all[0] as { delivery: Delivery }).delivery;
    expect([properties.contentType, properties.messageId]).toEqual(['application/json', undefined]);
  });

  it('runs in Go what we send, declared by us first', async () => {
    await declareOurs();
    const worker = startGo('work');
    await worker.line(/"working"/);
    await expectGoRan(worker, await publishOurs(TASKS));
  });

  it('runs in Go what we send, declared by Go first', async () => {
    const worker = startGo('work');
    await worker.line(/"working"/);
    await declareOurs();
    await expectGoRan(worker, await publishOurs(TASKS));
  });

  it('runs here what Go sends, declared by us first, while our consumer waits', async () => {
    await declareOurs();
    const arrivals = await collectTasks();
    await startGo('send', '-count', String(TASKS)).line(/"sent"/);
    await arrivals.count(TASKS + 1);
    expect(arrivals.all[TASKS - 1]?.task.args).toEqual(fromGo(TASKS - 1));
  });
});

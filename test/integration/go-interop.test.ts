import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import type { Delivery } from '../../lib/brokers/broker.js';
import { gofortFormat } from '../../lib/formats/gofort.js';
import type { Task } from '../../lib/task/task.js';
import { asGoPrintsIt, fromGo, toGo } from '../support/go-arguments.js';
import { GO_KINDS, useGoService } from '../support/go-service.js';
import type { Child } from '../support/processes.js';
import { Arrivals } from '../support/wait.js';

const TASKS = 20;

describe.each(GO_KINDS)('one exchange and one queue with Go: $kind', ({ kind }) => {
  const go = useGoService(kind);
  let broker: AmqpBroker;

  beforeEach(() => {
    broker = new AmqpBroker({ url: go.url, exchange: go.names.exchange, reconnection: { retries: 'forever' } });
  });
  // Undefined where the first test was skipped before it was made.
  afterEach(() => (broker as AmqpBroker | undefined)?.close(5_000));

  async function declareOurs(): Promise<void> {
    await broker.connect();
    await broker.declare({ queues: [{ name: go.names.queue, bindingKeys: [go.names.key], type: 'server-default' }] });
  }

  async function collectTasks(): Promise<Arrivals<{ task: Task; delivery: Delivery }>> {
    const arrivals = new Arrivals<{ task: Task; delivery: Delivery }>();
    await broker.consume(go.names.queue, { tag: 'ours', prefetch: 3 }, (delivery) => {
      arrivals.add({ task: gofortFormat.decode(delivery), delivery });
      delivery.ack();
    });
    return arrivals;
  }

  async function publishOurs(count: number): Promise<string> {
    const tasks: Task[] = Array.from({ length: count }, (_, n) => ({ uuid: randomUUID(), name: 'all_types', args: toGo(n) }));
    const withUuid: Task = { uuid: randomUUID(), name: 'with_uuid', args: [{ type: 'string', value: 'last' }] };
    await Promise.all([...tasks, withUuid].map((task) => broker.publish(gofortFormat.encode(task), { routingKey: go.names.key })));
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
    await go.start('send', '-count', String(TASKS)).line(/"sent"/);
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
    const worker = go.start('work');
    await worker.line(/"working"/);
    await expectGoRan(worker, await publishOurs(TASKS));
  });

  it('runs in Go what we send, declared by Go first', async () => {
    const worker = go.start('work');
    await worker.line(/"working"/);
    await declareOurs();
    await expectGoRan(worker, await publishOurs(TASKS));
  });

  it('runs here what Go sends, declared by us first, while our consumer waits', async () => {
    await declareOurs();
    const arrivals = await collectTasks();
    await go.start('send', '-count', String(TASKS)).line(/"sent"/);
    await arrivals.count(TASKS + 1);
    expect(arrivals.all[TASKS - 1]?.task.args).toEqual(fromGo(TASKS - 1));
  });
});

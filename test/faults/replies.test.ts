import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DispatcherModule, DispatcherService, ResultWaitTimeoutError, type PublishedTask, type Report } from '../../lib/index.js';
import { ReplyInbox } from '../../lib/results/replies/reply-inbox.js';
import { Ledger } from '../support/ledger.js';
import { KeptLog } from '../support/nest-app.js';
import { startRabbitMq, type RabbitMqNode } from '../support/rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { Arrivals, eventually, pause } from '../support/wait.js';
import { FaultApp } from './apps/fault-app.js';
import { plan, type Plan } from './apps/plan.js';
import type { AppConfig } from './apps/protocol.js';

interface Echo { number: number; uuid: string }

let node: RabbitMqNode;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => { node = await startRabbitMq(); });
afterAll(() => node.stop());
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close(); });

async function caller(config: AppConfig): Promise<DispatcherService> {
  @Module({ imports: [DispatcherModule.forRoot({ ...config, logger: new KeptLog() })] })
  class CallerModule {}
  const app = await NestFactory.createApplicationContext(CallerModule, { logger: false });
  closing.push(() => app.close());
  return app.get(DispatcherService);
}

async function worker(config: AppConfig, keepBooked = false): Promise<FaultApp> {
  const app = await FaultApp.start(config, new Ledger(), { keepBooked });
  closing.push(() => app.kill9());
  return app;
}

/** What became of results: right, or a typed timeout; the rest is wrong. */
class Account {
  right = 0;
  readonly late: string[] = [];
  readonly wrong: unknown[] = [];

  async await(sent: PublishedTask<Echo>, number: number, timeoutSeconds: number): Promise<void> {
    try {
      const { number: echoed, uuid } = await sent.result({ timeoutSeconds });
      if (echoed === number && uuid === sent.uuid) this.right++;
      else this.wrong.push({ number, echoed, uuid, sent: sent.uuid });
    } catch (error) {
      if (error instanceof ResultWaitTimeoutError) this.late.push(sent.uuid);
      else this.wrong.push(error);
    }
  }
}

function echo(service: DispatcherService, number: number, ms: number): Promise<PublishedTask<Echo>> {
  return service.publish({ name: 'echo', args: [{ type: 'int', value: number }, { type: 'int', value: ms }], result: true }) as Promise<PublishedTask<Echo>>;
}

async function exchangeQueues({ exchange }: Plan): Promise<string[]> {
  const listed = await node.rabbitmqctl('list_queues', '--silent', '--no-table-headers', 'name');
  return listed.split('\n').filter((name) => name.startsWith(exchange)).sort();
}

describe('results on their way', () => {
  it('all arrive, each at its own task, though the connection of the caller is cut and the broker is killed', async () => {
    const planned = plan(node.url, 'replies');
    const { proxy, url } = await TcpProxy.before(node.url);
    closing.push(() => proxy.close());
    await worker(planned.worker('w'));
    const service = await caller({ ...planned.publisher, broker: url });
    const account = new Account();
    const awaiting: Promise<void>[] = [];
    const told = new Arrivals<number>();
    const burst = async (from: number, count: number): Promise<void> => {
      const sent = await Promise.all(Array.from({ length: count }, async (_, i) => ({ task: await echo(service, from + i, 20), number: from + i })));
      for (const { task, number } of sent) awaiting.push(account.await(task, number, 90).then(() => told.add(number)));
    };
    for (let round = 0; round < 4; round++) {
      await burst(round * 400, 400);
      await told.count(told.all.length + 20, 60_000);
      proxy.set('reset');
      await pause(200);
      proxy.set('pass');
    }
    await burst(1_600, 400);
    await told.count(told.all.length + 20, 60_000);
    await node.kill9();
    await node.start();
    await Promise.all(awaiting);
    console.log(`[ledger] results: right ${account.right}, late ${account.late.length}, wrong ${account.wrong.length}`);
    expect({ right: account.right, late: account.late, wrong: account.wrong }).toEqual({ right: 2_000, late: [], wrong: [] });
  });

  it('are told once, though workers are killed between sending and acknowledging', async () => {
    const planned = plan(node.url, 'replies-worker');
    const service = await caller(planned.publisher);
    const ends = new Map<string, Report[]>();
    const over = new Arrivals<string>();
    let current = await worker(planned.worker('w0'));
    for (let round = 1; round <= 3; round++) {
      const target = over.all.length + 60;
      for (let i = 0; i < 300; i++) {
        service.call({ name: 'echo', args: [{ type: 'int', value: i }, { type: 'int', value: 5 }] }).subscribe({
          next: (report) => { if (report.final) ends.set(report.uuid, [...ends.get(report.uuid) ?? [], report]); },
          complete: () => over.add('complete'), error: (error) => over.add(String(error)),
        });
      }
      await over.count(target, 60_000);
      await current.kill9();
      current = await worker(planned.worker(`w${round}`));
    }
    await over.count(900, 90_000);
    expect(new Set(over.all)).toEqual(new Set(['complete']));
    expect([ends.size, [...ends.values()].filter((reports) => reports.length !== 1)]).toEqual([900, []]);
    expect([...ends.entries()].filter(([uuid, [end]]) => (end?.value as Echo).uuid !== uuid)).toEqual([]);
  });
});

describe('progress that nobody listens to any more', () => {
  const QUIET_MS = 2_000;

  /** In this time one that goes on sends some 40; a run that was silenced, none. */
  async function quiet(received: { readonly all: readonly unknown[] }): Promise<void> {
    let [seen, since] = [received.all.length, Date.now()];
    await eventually(() => {
      if (received.all.length > seen) [seen, since] = [received.all.length, Date.now()];
      return Date.now() - since;
    }, (forMs) => forMs >= QUIET_MS, 'no more reports to come', { limitMs: 60_000 });
  }

  it('stops, stops again where the task runs anew after its worker was killed and the broker too, and the end comes', async () => {
    const planned = plan(node.url, 'replies-unheard');
    const received = new Arrivals<string | undefined>();
    const { receive } = ReplyInbox.prototype;
    const spy = vi.spyOn(ReplyInbox.prototype, 'receive').mockImplementation(function record(this: ReplyInbox, body, worker) {
      receive.call(this, body, worker);
      received.add(worker);
    });
    closing.push(() => Promise.resolve(spy.mockRestore()));
    const service = await caller(planned.publisher);
    const first = await worker(planned.worker('w1'), true);
    const task = await service.publish({ name: 'reporting', result: true });
    const reports = new Arrivals<Report>();
    const subscription = task.reports().subscribe(reports.add);
    await received.first((from) => from !== undefined, 'progress of a worker that can be told');
    subscription.unsubscribe();
    await quiet(received);

    const workers = new Set(received.all);
    await first.kill9();
    const second = await worker(planned.worker('w2'), true);
    await second.entry(task.uuid, ['started'], 60_000);
    await received.first((from) => !workers.has(from), 'progress of the other worker');
    await quiet(received);

    await node.kill9();
    await node.start();
    await eventually(() => service.state.status, (status) => status === 'ready', 'the caller to be connected again', { limitMs: 60_000 });
    await quiet(received);

    const again = new Arrivals<Report>();
    task.reports().subscribe(again.add);
    const known = again.all.length;
    await again.first(({ state }) => state === 'progress', 'what is known', 5_000);
    await again.count(known + 20, 90_000, 'reports to one who listens again');
    const ended = task.result({ timeoutSeconds: 90 });
    second.tell({ do: 'release' });
    expect(await ended).toBe('done');
    expect(again.all.at(-1)).toMatchObject({ state: 'succeeded', final: true });
  });
});

describe('30,000 results awaited by one process', () => {
  const TASKS = 30_000;
  const WINDOW = 1_000;
  /** None waits when the heap is looked at, before and after. A record of each that was left behind would take more than this by far. */
  const BYTES_LEFT_OF_EACH = 160;

  it('need no more memory than their window, one reply queue, and no queue or channel for a task', async () => {
    const planned = plan(node.url, 'replies-many');
    await worker(planned.worker('w', 200));
    const service = await caller(planned.publisher);
    await service.publish({ name: 'echo', args: [{ type: 'int', value: 0 }, { type: 'int', value: 0 }] });
    expect((await exchangeQueues(planned)).filter((name) => name.includes('.replies.'))).toEqual([]);
    const account = new Account();
    let next = 0;
    const lane = async (until: number): Promise<void> => {
      while (next < until) {
        const number = next++;
        await account.await(await echo(service, number, 0), number, 60);
      }
    };
    const run = (until: number): Promise<unknown> => Promise.all(Array.from({ length: WINDOW }, () => lane(until)));
    await run(TASKS / 5);
    const before = heapInUse();
    const looked = run(TASKS);
    const [queues, channels] = await Promise.all([exchangeQueues(planned), node.rabbitmqctl('list_channels', '--silent', '--no-table-headers', 'pid')]);
    await looked;
    const grown = heapInUse() - before;
    console.log(`[replies] ${account.right} results in windows of ${WINDOW}: the heap has grown by ${Math.round(grown / 1024)} KiB; ${channels.trim().split('\n').length} channels`);
    expect({ right: account.right, late: account.late, wrong: account.wrong }).toEqual({ right: TASKS, late: [], wrong: [] });
    expect(grown).toBeLessThan(TASKS * 4 / 5 * BYTES_LEFT_OF_EACH);
    expect(queues.filter((name) => name.startsWith(`${planned.exchange}.replies.v1.`))).toHaveLength(1);
    // Few: those of two connections in each of two processes.
    expect(channels.trim().split('\n').length).toBeLessThan(20);
    await service.close();
    expect((await exchangeQueues(planned)).filter((name) => name.includes('.replies.'))).toEqual([]);
  });
});

function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) collect();
  return process.memoryUsage().heapUsed;
}

import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import { currentTask, DispatcherModule, DispatcherService, Task, TaskContext, type PublishedTask, type Report, type ServerConfig } from '../../lib/index.js';
import { HEARD_TYPE, listeningMessage, UNHEARD_TYPE, type ListeningNote } from '../../lib/results/replies/listening-note.js';
import { SilencedTasks } from '../../lib/results/replies/silenced-tasks.js';
import { decodeTaskResult } from '../../lib/results/result-codec.js';
import type { TaskResult } from '../../lib/results/task-result.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { sharedRabbitMqUrl, uniqueName, withChannel } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { Arrivals, emission, eventually, pause, Signal } from '../support/wait.js';

const url = sharedRabbitMqUrl();
/** Far more often than reports are sent. */
const STEP_MS = 10;
/** Of a handler: in this time a worker would send some 20 reports, or more on a slow machine. */
const ENOUGH_STEPS = 100;

/** Handlers that go on until the test lets them end. */
@Injectable()
class Tasks {
  readonly steps = new Arrivals<number>();
  released = new Signal();

  @Task('reporting')
  async reporting(@TaskContext() context: TaskContext): Promise<string> {
    let over = false;
    void this.released.promise.then(() => { over = true; });
    for (let step = 1; !over; step++) {
      context.progress(step / 1e6, { step });
      this.steps.add(step);
      await pause(STEP_MS);
    }
    return 'done';
  }

  @Task('plain') plain(): number | undefined { return currentTask()?.attempt; }

  @Task('again', { retry: { attempts: 3, delaySeconds: 0.05, backoff: 'fixed' } })
  async again(@TaskContext() context: TaskContext): Promise<number> {
    for (let step = 1; step <= ENOUGH_STEPS; step++) {
      context.progress(step / ENOUGH_STEPS);
      this.steps.add(step);
      await pause(STEP_MS);
    }
    if (context.attempt < 3) throw new Error('not yet');
    return context.attempt;
  }
}

/** All that brokers of this process sent and opened, and what workers in it were told. */
let sent: Arrivals<TaskResult>;
let notes: Arrivals<ListeningNote>;
let taken: Arrivals<ListeningNote>;
let opened: Arrivals<{ address: string }>;
let exchange: string;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  [sent, notes, taken, opened] = [new Arrivals(), new Arrivals(), new Arrivals(), new Arrivals()];
  exchange = uniqueName('unheard');
  closing.push(() => removeExchange(url, exchange, [`${exchange}.q`]));
  const { publish, openReplies } = AmqpBroker.prototype;
  vi.spyOn(AmqpBroker.prototype, 'publish').mockImplementation(function record(this: AmqpBroker, message, ...rest) {
    const { type, correlationId = '', replyTo = '' } = message.properties;
    if (type === 'dispatcher.report') sent.add(decodeTaskResult(message.body));
    if (type === UNHEARD_TYPE || type === HEARD_TYPE) notes.add({ uuid: correlationId, caller: replyTo, listening: type === HEARD_TYPE });
    return publish.call(this, message, ...rest);
  });
  vi.spyOn(AmqpBroker.prototype, 'openReplies').mockImplementation(async function record(this: AmqpBroker, onReply) {
    const replies = await openReplies.call(this, onReply);
    opened.add(replies);
    return replies;
  });
  const { take } = SilencedTasks.prototype;
  vi.spyOn(SilencedTasks.prototype, 'take').mockImplementation(function record(this: SilencedTasks, note) {
    take.call(this, note);
    taken.add(note);
  });
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  vi.restoreAllMocks();
});

interface Started { service: DispatcherService; tasks: Tasks }

async function start(config: Partial<ServerConfig>): Promise<Started> {
  const module = await Test.createTestingModule({
    imports: [DispatcherModule.forRoot({ broker: url, exchange, defaultRoutingKey: 'key', logger: new KeptLog(), reconnectionIntervalSeconds: 0.1, ...config })],
    providers: [Tasks],
  }).compile();
  const app = await module.init();
  const tasks = app.get(Tasks);
  closing.push(() => { tasks.released.fire(); return app.close(); });
  return { service: app.get(DispatcherService), tasks };
}

const startWorker = (config: Partial<ServerConfig> = {}): Promise<Started> => start({ workers: [{ name: 'w', queue: `${exchange}.q`, bindingKeys: ['key'], limit: 20 }], ...config });
const startCaller = (config: Partial<ServerConfig> = {}): Promise<Started> => start({ role: 'publisher', ...config });

interface Subscribed { reports: Arrivals<Report>; leave(): void }

/** Subscribed, and progress has come. */
async function listen(source: ReturnType<DispatcherService['call']>): Promise<Subscribed> {
  const reports = new Arrivals<Report>();
  const subscription = source.subscribe({ next: reports.add, error: () => undefined });
  await reports.first(({ state }) => state === 'progress', 'progress');
  return { reports, leave: () => subscription.unsubscribe() };
}

const publishReporting = (service: DispatcherService): Promise<PublishedTask> => service.publish({ name: 'reporting', result: true });
const told = (uuid: string, listening: boolean, from = 0): Promise<ListeningNote> =>
  taken.first((note) => taken.all.indexOf(note) >= from && note.uuid === uuid && note.listening === listening, `the worker to be told that ${listening ? 'somebody' : 'nobody'} listens`);
const sentOf = (uuid: string): TaskResult[] => sent.all.filter((report) => report.uuid === uuid);

/** The handler goes on for a while; how many reports of it were sent meanwhile. */
async function sentMeanwhile({ steps }: Tasks, uuid: string): Promise<number> {
  const before = sentOf(uuid).length;
  await steps.count(steps.all.length + ENOUGH_STEPS);
  return sentOf(uuid).length - before;
}

describe('progress that nobody listens to any more', () => {
  it('is not sent once its worker knows, and is again when somebody does; the end comes in any case', async () => {
    const [worker, caller] = [await startWorker(), await startCaller()];
    const task = await publishReporting(caller.service);
    const first = await listen(task.reports());
    expect(await sentMeanwhile(worker.tasks, task.uuid)).toBeGreaterThan(0);
    first.leave();
    await told(task.uuid, false);
    expect(await sentMeanwhile(worker.tasks, task.uuid)).toBe(0);

    const again = new Arrivals<Report>();
    const known = Math.max(...first.reports.all.map(({ fraction = 0 }) => fraction));
    const subscription = task.reports().subscribe(again.add);
    await again.first(({ fraction = 0 }) => fraction > known + ENOUGH_STEPS / 2e6, 'progress that was made since');
    await told(task.uuid, true);
    expect(await sentMeanwhile(worker.tasks, task.uuid)).toBeGreaterThan(0);

    const before = taken.all.length;
    subscription.unsubscribe();
    await told(task.uuid, false, before);
    const ended = task.result();
    worker.tasks.released.fire();
    expect(await ended).toBe('done');
    const states = (await caller.service.task(task.uuid).state())?.timeline.map(({ state }) => state);
    expect(states).toEqual(['published', 'received', 'started', 'progress', 'succeeded']);
  });

  it('is not sent though somebody waits for the result, which comes', async () => {
    const [worker, caller] = [await startWorker(), await startCaller()];
    const task = await publishReporting(caller.service);
    const result = task.result();
    (await listen(task.reports())).leave();
    await told(task.uuid, false);
    expect(await sentMeanwhile(worker.tasks, task.uuid)).toBe(0);
    worker.tasks.released.fire();
    expect(await result).toBe('done');
  });

  it('of a call is not sent when its subscriber has left, and its end is', async () => {
    const [worker, caller] = [await startWorker(), await startCaller()];
    const { reports, leave } = await listen(caller.service.call('reporting'));
    const uuid = reports.all[0]?.uuid ?? '';
    leave();
    await told(uuid, false);
    expect(await sentMeanwhile(worker.tasks, uuid)).toBe(0);
    worker.tasks.released.fire();
    const end = await sent.first((report) => report.uuid === uuid && report.state === 'succeeded', 'the end');
    expect(end.timeline.map(({ state }) => state)).toEqual(['progress', 'succeeded']);
    expect(() => caller.service.task(uuid)).toThrow(/Nothing is known of task/);
  });

  it('of one task alone is not sent, where other tasks of the same caller and worker are listened to', async () => {
    const [worker, caller] = [await startWorker(), await startCaller()];
    const [one, other] = [await publishReporting(caller.service), await publishReporting(caller.service)];
    const [left] = [await listen(one.reports()), await listen(other.reports())];
    left.leave();
    await told(one.uuid, false);
    const before = sentOf(other.uuid).length;
    expect(await sentMeanwhile(worker.tasks, one.uuid)).toBe(0);
    expect(sentOf(other.uuid).length).toBeGreaterThan(before);
    expect(notes.all.filter(({ uuid }) => uuid === other.uuid)).toEqual([]);
  });

  it('of a process that is caller and worker in one is not sent either, by one queue for both', async () => {
    const both = await startWorker();
    const { reports, leave } = await listen(both.service.call('reporting'));
    const uuid = reports.all[0]?.uuid ?? '';
    leave();
    await told(uuid, false);
    expect([await sentMeanwhile(both.tasks, uuid), opened.all.length]).toEqual([0, 1]);
  });

  it('keeps back nothing else of a task that is tried again: one report an attempt has the rest', async () => {
    const [, caller] = [await startWorker(), await startCaller()];
    const task = await caller.service.publish({ name: 'again', result: true });
    (await listen(task.reports())).leave();
    await told(task.uuid, false);
    expect(await task.result()).toBe(3);
    const states = (await caller.service.task(task.uuid).state())?.timeline.map(({ state }) => state);
    const attempt = ['received', 'started', 'progress'];
    expect(states).toEqual(['published', ...attempt, 'retrying', ...attempt, 'retrying', ...attempt, 'succeeded']);
    expect(sentOf(task.uuid).filter(({ attempt: number }) => number > 1).map(({ state }) => state)).toEqual(['retrying', 'succeeded']);
  });
});

describe('what nobody asked to be silent', () => {
  it('is not silenced by the note of another caller, nor by one that is none', async () => {
    const [worker, caller] = [await startWorker(), await startCaller()];
    const task = await publishReporting(caller.service);
    const { reports } = await listen(task.reports());
    // The first is that of the caller, which asked before anything was reported.
    const address = (await opened.count(2))[1]?.address ?? '';
    await withChannel(url, async (channel) => {
      const tell = (note: ListeningNote): void => {
        const { body, properties: { type, correlationId, replyTo } } = listeningMessage(note);
        channel.sendToQueue(address, body, { type, correlationId, replyTo });
      };
      channel.sendToQueue(address, Buffer.from('?'), { type: UNHEARD_TYPE });
      channel.sendToQueue(address, Buffer.from('?'), { type: 'dispatcher.of-the-future', correlationId: task.uuid });
      tell({ uuid: task.uuid, caller: `${exchange}.replies.v1.of-another`, listening: false });
      await channel.waitForConfirms();
    });
    await told(task.uuid, false);
    const before = reports.all.length;
    expect(await sentMeanwhile(worker.tasks, task.uuid)).toBeGreaterThan(0);
    await reports.count(before + 1);
  });

  it('goes on to whoever knows nothing of it, such as an older version or another language', async () => {
    const worker = await startWorker();
    const answers = new Arrivals<{ replyTo: unknown; report: TaskResult }>();
    await withChannel(url, async (channel) => {
      const { queue } = await channel.assertQueue('', { exclusive: true });
      await channel.consume(queue, (message) => {
        if (message !== null) answers.add({ replyTo: message.properties.replyTo, report: decodeTaskResult(message.content) });
      }, { noAck: true });
      channel.publish(exchange, 'key', Buffer.from('{"uuid":"foreign","name":"reporting","args":[]}'), { replyTo: queue, headers: { 'x-dispatcher-result': true } });
      await answers.count(5);
      worker.tasks.released.fire();
      await answers.first(({ report }) => report.state === 'succeeded', 'the end');
    });
    const addresses = answers.all.map(({ replyTo }) => replyTo).filter((replyTo) => replyTo !== undefined);
    expect(new Set(addresses)).toEqual(new Set(opened.all.map(({ address }) => address)));
    expect(opened.all).toHaveLength(1);
    expect(answers.all.at(-1)?.replyTo).toBeUndefined();
  });

  it('costs a worker no queue where its tasks report no progress', async () => {
    const [, caller] = [await startWorker(), await startCaller()];
    const ends = await Promise.all([1, 2, 3].map(async () => (await caller.service.publish({ name: 'plain', result: true })).result()));
    expect([ends, opened.all.length]).toEqual([[1, 1, 1], 1]);
  });

  it('costs nothing, and is kept, where a store has the results', async () => {
    const both = await startWorker({ resultBackend: 'embedded:' });
    const task = await publishReporting(both.service);
    const { leave } = await listen(task.reports());
    leave();
    const latest = async (): Promise<number> => (await both.service.task(task.uuid).state())?.timeline.at(-1)?.fraction ?? 0;
    const before = await latest();
    await eventually(latest, (fraction) => fraction > before, 'more progress in the store');
    expect([opened.all, notes.all]).toEqual([[], []]);
  });
});

describe('while connections are lost', () => {
  async function behindProxy(role: 'caller' | 'worker'): Promise<{ worker: Started; caller: Started; proxy: TcpProxy; lost: DispatcherService }> {
    const { proxy, url: leading } = await TcpProxy.before(url);
    closing.push(() => proxy.close());
    const worker = await startWorker(role === 'worker' ? { broker: leading } : {});
    const caller = await startCaller(role === 'caller' ? { broker: leading } : {});
    return { worker, caller, proxy, lost: (role === 'caller' ? caller : worker).service };
  }

  const cut = async (proxy: TcpProxy, { states }: DispatcherService): Promise<void> => {
    proxy.set('reset');
    await emission(states, ({ status }) => status !== 'ready', 'the connection to be lost');
  };

  it('a caller that leaves has its worker stop as soon as it is back', async () => {
    const { worker, caller, proxy, lost } = await behindProxy('caller');
    const task = await publishReporting(caller.service);
    const { leave } = await listen(task.reports());
    await cut(proxy, lost);
    leave();
    await sentMeanwhile(worker.tasks, task.uuid);
    expect(notes.all).toEqual([]);
    proxy.set('pass');
    await told(task.uuid, false);
    expect(await sentMeanwhile(worker.tasks, task.uuid)).toBe(0);
    worker.tasks.released.fire();
    expect(await task.result()).toBe('done');
  });

  it('a worker finds what it was told when it is back', async () => {
    const { worker, caller, proxy, lost } = await behindProxy('worker');
    const task = await publishReporting(caller.service);
    const { leave } = await listen(task.reports());
    await opened.count(2);
    await cut(proxy, lost);
    leave();
    proxy.set('pass');
    await told(task.uuid, false);
    // The delivery was given again, and is recognised: one run, which reports no more.
    expect(await sentMeanwhile(worker.tasks, task.uuid)).toBe(0);
    worker.tasks.released.fire();
    expect(await task.result()).toBe('done');
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Ledger } from '../support/ledger.js';
import { startRabbitMq, type RabbitMqNode } from '../support/rabbitmq.js';
import { CLASSIC, uniqueName, withChannel } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { addUser } from '../support/virtual-hosts.js';
import { FaultApp } from './apps/fault-app.js';
import { plan, type Plan } from './apps/plan.js';
import type { AppConfig } from './apps/protocol.js';

const running: FaultApp[] = [];
/** Lives from the first test to the last. */
let lockedOut: { app: FaultApp; ledger: Ledger } | undefined;
let node: RabbitMqNode;
let ledger: Ledger;

async function start(config: AppConfig, into = ledger): Promise<FaultApp> {
  const app = await FaultApp.start(config, into, { keepBooked: true });
  running.push(app);
  return app;
}

/** One that cannot start: its exit code, and what it said of the cause. */
async function failedStart(config: AppConfig): Promise<{ code: number | null; text: string }> {
  const app = new FaultApp(config, ledger);
  running.push(app);
  const { code } = await app.exited(60_000);
  return { code, text: app.stderr };
}

const work = (uuid: string): { uuid: string; name: string; args: { type: 'int'; value: number }[] } => ({ uuid, name: 'work', args: [{ type: 'int', value: 0 }] });

async function runs(publisher: FaultApp, worker: FaultApp, uuid: string): Promise<void> {
  expect(await publisher.publish(work(uuid), 60_000)).toMatchObject({ kind: 'accepted' });
  await worker.entry(uuid, ['finished'], 60_000);
}

async function newUser(password: string): Promise<{ name: string; url: string }> {
  const name = uniqueName('user');
  await addUser(node, name, password, ['.*', '.*', '.*']);
  const url = new URL(node.url);
  url.username = name;
  url.password = password;
  return { name, url: url.href };
}

const withHeartbeat = (url: string, seconds: number): string => `${url}?heartbeat=${seconds}`;

describe('trouble with RabbitMQ', () => {
  beforeAll(async () => { node = await startRabbitMq(); });
  afterAll(async () => {
    await lockedOut?.app.kill9();
    await node.stop();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.kill9()));
    console.log(`[ledger] ${expect.getState().currentTestName}: ${ledger.toString()}`);
  });

  // It tries again once a minute, so that no account is locked; the last test sees it back.
  it('names a password that was changed while it ran', async () => {
    ledger = new Ledger();
    const { name, url } = await newUser('first');
    const app = await FaultApp.start(plan(url, 'password').worker('worker'), ledger, { keepBooked: true });
    lockedOut = { app, ledger };
    await runs(app, app, 'before');
    await node.rabbitmqctl('change_password', name, 'second');
    await node.rabbitmqctl('close_all_connections', 'by the test');
    const line = await app.logged(/Attempt 1 to connect failed; next in 60 s: .*refused the connection.*Check the user name, the password/);
    expect(line).not.toContain('first');
    await node.rabbitmqctl('change_password', name, 'first');
  });

  it('does not start with a wrong password, and says so', async () => {
    ledger = new Ledger();
    const { url } = await newUser('right');
    const { code, text } = await failedStart(plan(url.replace('right', 'wrong-one'), 'wrong').worker('worker'));
    expect({ code, text }).toEqual({ code: 1, text: expect.stringMatching(/^ERR_DISPATCHER_BROKER_REFUSED .*Check the user name, the password/) });
    expect(text).not.toContain('wrong-one');
  });

  // Reproduces: its acknowledgement was written to a connection that the server had closed meanwhile, so it came back and blocked again.
  it.each(['at-once', 'after-a-pause'])('survives a handler that computes %s for longer than three heartbeats, and names it', async (when) => {
    ledger = new Ledger();
    const { publisher, worker } = plan(node.url, 'heartbeat');
    const publishing = await start(publisher);
    const working = await start({ ...worker('worker'), broker: withHeartbeat(node.url, 1) });
    await publishing.publish({ uuid: 'loop', name: 'compute', args: [{ type: 'int', value: 5_000 }, { type: 'string', value: when }] });
    await working.logged(/Task "compute" \(loop\) of worker "worker" kept the event loop busy for [45]/, 60_000);
    await working.logged(/The connection to the broker was lost/, 60_000);
    await runs(publishing, working, 'next');
    // Behind it in the queue, so whatever was to become of it has become of it.
    await runs(publishing, working, 'after');
    const named = working.told.all.filter((note) => note.note === 'log' && note.text.includes('kept the event loop busy'));
    expect({ started: ledger.started.get('loop'), lost: ledger.lost(), named: named.length }).toEqual({ started: 1, lost: [], named: 1 });
  });

  it('declares a queue again that was deleted under its consumer, and goes on', async () => {
    ledger = new Ledger();
    const { publisher, worker, queue } = plan(node.url, 'deleted');
    const publishing = await start(publisher);
    const working = await start(worker('worker'));
    await runs(publishing, working, 'before');
    await withChannel(node.url, (channel) => channel.deleteQueue(queue));
    await working.logged(/Consuming the queue ".*" stopped.*it was deleted/);
    await working.logged(/The queue ".*" is consumed again/);
    await runs(publishing, working, 'after');
  });

  it.each([
    ['a queue', async ({ queue }: Plan) => withChannel(node.url, (channel) => channel.assertQueue(queue, { durable: true, arguments: { ...CLASSIC, 'x-max-length': 7 } })),
      /^ERR_DISPATCHER_TOPOLOGY_MISMATCH Queue ".*" exists already with x-max-length = 7/,
      async ({ queue }: Plan) => withChannel(node.url, (channel) => channel.deleteQueue(queue))],
    ['an exchange', async ({ exchange }: Plan) => withChannel(node.url, (channel) => channel.assertExchange(exchange, 'fanout', { durable: true })),
      /^ERR_DISPATCHER_TOPOLOGY_MISMATCH Exchange ".*" exists already with type = fanout/,
      async ({ exchange }: Plan) => withChannel(node.url, (channel) => channel.deleteExchange(exchange))],
  ])('does not start on %s with other properties, names them, and starts when it is gone', async (_, declare, expected, remove) => {
    ledger = new Ledger();
    const planned = plan(node.url, 'mismatch');
    await declare(planned);
    const { code, text } = await failedStart(planned.worker('worker'));
    expect({ code, text }).toEqual({ code: 1, text: expect.stringMatching(expected) });
    await remove(planned);
    const working = await start(planned.worker('worker'));
    await runs(working, working, 'task');
  });

  it('names the other properties of a queue that was replaced under its consumer, and goes on when it is gone', async () => {
    ledger = new Ledger();
    const { worker, queue } = plan(node.url, 'replaced');
    const working = await start(worker('worker'));
    await runs(working, working, 'before');
    await withChannel(node.url, async (channel) => {
      await channel.deleteQueue(queue);
      await channel.assertQueue(queue, { durable: true, arguments: { ...CLASSIC, 'x-max-length': 7 } });
    });
    await working.logged(/Consuming the queue ".*" stopped.*exists already with x-max-length = 7/);
    await withChannel(node.url, (channel) => channel.deleteQueue(queue));
    await working.logged(/The queue ".*" is consumed again/, 60_000);
    await runs(working, working, 'after');
  });

  it('rejects what is published to a key that no queue is bound to, and sends it when one is', async () => {
    ledger = new Ledger();
    const { publisher, worker, queue, exchange } = plan(node.url, 'unroutable');
    const publishing = await start(publisher);
    const task = { ...work('lost-letter'), routingKey: 'nowhere' };
    expect(await publishing.publish(task)).toMatchObject({ kind: 'rejected', code: 'ERR_DISPATCHER_UNROUTABLE', text: expect.stringContaining('routing key "nowhere"') });
    await withChannel(node.url, (channel) => channel.bindQueue(queue, exchange, 'nowhere'));
    publishing.tell({ do: 'publish', task });
    const working = await start(worker('worker'));
    await working.entry('lost-letter', ['finished']);
  });

  it('waits with publishing under a memory alarm, runs what is there, and sends when it is over', async () => {
    ledger = new Ledger();
    const { publisher, worker } = plan(node.url, 'alarm');
    const publishing = await start(publisher);
    const waiting = Array.from({ length: 20 }, (_, number) => `waiting-${number}`);
    await Promise.all(waiting.map((uuid) => publishing.publish(work(uuid))));
    await node.rabbitmqctl('set_vm_memory_high_watermark', '0.000001');
    try {
      publishing.tell({ do: 'publish', task: work('blocked') });
      await publishing.logged(/The broker takes no tasks for now: .*memory/);
      const working = await start(worker('worker'));
      await Promise.all(waiting.map((uuid) => working.entry(uuid, ['finished'])));
      expect([...ledger.finished.keys()].sort()).toEqual(waiting.sort());
      await node.rabbitmqctl('set_vm_memory_high_watermark', '0.4');
      await publishing.logged(/The broker takes tasks again/);
      await working.entry('blocked', ['finished']);
      await publishing.entry('blocked', ['accepted']);
    } finally {
      await node.rabbitmqctl('set_vm_memory_high_watermark', '0.4');
    }
  });

  it('notices a half-open connection by its heartbeats, and loses nothing', async () => {
    ledger = new Ledger();
    const { proxy, url } = await TcpProxy.before(node.url);
    try {
      const { publisher, worker } = plan(withHeartbeat(url, 2), 'half-open');
      const publishing = await start(publisher);
      const working = await start(worker('worker'));
      await runs(publishing, working, 'before');
      proxy.set('freeze');
      const frozen = Array.from({ length: 50 }, (_, number) => publishing.publish(work(`frozen-${number}`), 60_000));
      await Promise.all([publishing, working].map((app) => app.logged(/The connection to the broker was lost: .*[Hh]eartbeat/, 60_000)));
      proxy.resetAll();
      proxy.set('pass');
      await Promise.all(frozen);
      await ledger.settled(60_000);
      await runs(publishing, working, 'after');
      expect({ lost: ledger.lost(), invented: ledger.invented(), rejected: ledger.rejected.size }).toEqual({ lost: [], invented: [], rejected: 0 });
    } finally {
      await proxy.close();
    }
  });

  it('is back by itself within a minute after the password was restored', async () => {
    const { app } = lockedOut!;
    ledger = lockedOut!.ledger;
    await app.logged(/Connected to the broker at attempt 2/, 120_000);
    await runs(app, app, 'after');
  });
});

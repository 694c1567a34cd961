import { mkdirSync } from 'node:fs';
import { createServer, connect as connectTo, type Server } from 'node:net';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { describe, expect, it } from 'vitest';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { BrokerProcesses, collect, KILL_LIMIT_MS, type KillableBroker, openBroker, publishTasks, releasedInTime, settled, startedBy } from '../support/broker-processes.js';
import { freePorts } from '../support/free-ports.js';
import { Ledger } from '../support/ledger.js';
import type { Child } from '../support/processes.js';
import { RedisServer } from '../support/redis.js';
import { onTestFinished } from '../support/test-end.js';
import { eventually, pause } from '../support/wait.js';

/** Longer than a process may be silent here. */
const LONG_MS = 9_000;
const AN_HOUR_MS = 3_600_000;
const HELD = 5;

describe.skipIf(findServer('redis-server') === undefined).concurrent('a Redis that is there, and serves nobody for a time', () => {
  interface Stage {
    readonly server: RedisServer;
    readonly processes: BrokerProcesses;
    ask<T>(...command: string[]): Promise<T>;
  }

  async function stage(): Promise<Stage> {
    const server = await RedisServer.start();
    const processes = new BrokerProcesses('redis', server.url);
    onTestFinished(async () => {
      await processes.stop();
      await server.stop();
    });
    return { server, processes, ask: (...command) => asked(server.url, command) };
  }

  async function asked<T>(url: string, command: string[]): Promise<T> {
    const client = await createClient({ url }).connect();
    try {
      return await client.sendCommand<T>(command);
    } finally {
      client.destroy();
    }
  }

  const leases = async ({ ask }: Stage): Promise<Map<string, number>> => {
    // In pairs, as RESP 3 has them, or one after the other.
    const found = (await ask<(string | [string, number])[]>('ZRANGE', '{dispatcher:faults}:leases', '0', '-1', 'WITHSCORES')).flat();
    return new Map(Array.from({ length: found.length / 2 }, (_, index) => [String(found[2 * index]), Number(found[2 * index + 1])]));
  };

  /** Two processes hold something, and one publishes and takes. */
  async function holders(at: Stage, ledger: Ledger): Promise<{ readonly publisher: KillableBroker; readonly held: readonly Child[] }> {
    const publisher = await at.processes.open();
    await publisher.declare({ queues: [{ name: 'aside' }] });
    const held = await Promise.all([at.processes.startConsumer(HELD, 'all'), at.processes.startConsumer(HELD, 'all')]);
    await publishTasks(publisher, 2 * HELD, ledger);
    await eventually(() => held.flatMap(startedBy).length, (count) => count === 2 * HELD, 'both to hold something', { limitMs: KILL_LIMIT_MS });
    return { publisher, held };
  }

  /** All of them have been heard by Redis once more, and what they hold is still theirs. */
  async function stillHeldBy(at: Stage, held: readonly Child[], ledger: Ledger): Promise<void> {
    const since = Number((await at.ask<string[]>('TIME'))[0]) * 1000;
    await eventually(() => leases(at), (all) => all.size === 3 && [...all.values()].every((heard) => heard > since && heard < since + AN_HOUR_MS / 2), 'all to be heard again', { limitMs: KILL_LIMIT_MS });
    for (const child of held) child.send('release');
    await Promise.all(held.map((child) => child.line(/"released"/, KILL_LIMIT_MS)));
    await settled(ledger, held);
    expect(held.flatMap(releasedInTime)).toEqual(Array(2 * HELD).fill(true));
    expect({ starts: held.flatMap(startedBy).length, lost: ledger.lost(), twice: ledger.duplicates() }).toEqual({ starts: 2 * HELD, lost: [], twice: [] });
  }

  it('takes nothing from anybody where it refused all writes for longer than they may be silent (MISCONF)', async () => {
    const at = await stage();
    const ledger = new Ledger();
    const { publisher, held } = await holders(at, ledger);
    // A snapshot cannot replace a folder.
    mkdirSync(join(at.server.folder, 'dump.rdb'));
    await at.ask('CONFIG', 'SET', 'save', '3600 1000000');
    await at.ask('BGSAVE');
    await eventually(() => at.ask<string>('INFO', 'persistence'), (text) => text.includes('rdb_last_bgsave_status:err'), 'the snapshot to fail');
    await expect(at.ask('SET', 'any', 'thing')).rejects.toThrow(/MISCONF/);
    const waiting = publisher.publish({ body: Buffer.from('waits'), properties: {} }, { queue: 'aside' });
    await pause(LONG_MS);
    await at.ask('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no');
    await waiting;
    await stillHeldBy(at, held, ledger);
  });

  it('takes nothing from anybody where it was made a replica and a primary again (READONLY)', async () => {
    const at = await stage();
    const ledger = new Ledger();
    const { publisher, held } = await holders(at, ledger);
    const [nobody] = await freePorts(1);
    await at.ask('REPLICAOF', '127.0.0.1', String(nobody));
    const waiting = publisher.publish({ body: Buffer.from('waits'), properties: {} }, { queue: 'aside' });
    await pause(LONG_MS);
    await at.ask('REPLICAOF', 'NO', 'ONE');
    await waiting;
    await stillHeldBy(at, held, ledger);
  });

  it('takes nothing from the living when its clock is set forward', async () => {
    const at = await stage();
    const ledger = new Ledger();
    const { held } = await holders(at, ledger);
    // Nobody who has only just come judges others.
    await pause(LONG_MS);
    // What they said of themselves is an hour old at once.
    for (const [owner, heard] of await leases(at)) await at.ask('ZADD', '{dispatcher:faults}:leases', String(heard - AN_HOUR_MS), owner);
    await pause(LONG_MS);
    await stillHeldBy(at, held, ledger);
  });

  it('gives what the dead held to others soon, though its clock is set back', async () => {
    const at = await stage();
    const ledger = new Ledger();
    const { held } = await holders(at, ledger);
    for (const child of held) child.kill('SIGKILL');
    for (const [owner, heard] of await leases(at)) await at.ask('ZADD', '{dispatcher:faults}:leases', String(heard + AN_HOUR_MS), owner);
    const deliveries = await collect(await at.processes.open(), 2 * HELD);
    expect(deliveries.map(({ redelivered, deliveryCount }) => [redelivered, deliveryCount])).toEqual(Array(2 * HELD).fill([true, 1]));
  });

  it('is waited for while it loads what it has (LOADING)', async () => {
    const { server } = await stage();
    const [port] = await freePorts(1);
    const loading = await answering(port as number, '-LOADING Redis is loading the dataset in memory\r\n');
    const opening = openBroker('redis', `redis://127.0.0.1:${port}/0`, 'work');
    await loading.asked;
    await new Promise((resolve) => loading.server.close(resolve));
    const leading = await leadingTo(port as number, server.port);
    const broker = await opening;
    await publishTasks(broker, 3);
    expect(await broker.depth('work')).toBe(3);
    await broker.close(5_000);
    leading.close();
  });
});

/** Says the same to everybody. */
async function answering(port: number, line: string): Promise<{ readonly server: Server; readonly asked: Promise<void> }> {
  let told = (): void => undefined;
  const asked = new Promise<void>((resolve) => { told = resolve; });
  const server = createServer((socket) => {
    socket.on('error', () => undefined).on('data', () => {
      socket.end(line);
      told();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { server, asked };
}

async function leadingTo(port: number, to: number): Promise<Server> {
  const server = createServer((socket) => {
    const other = connectTo(to, '127.0.0.1');
    for (const end of [socket, other]) end.on('error', () => { socket.destroy(); other.destroy(); });
    socket.pipe(other).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

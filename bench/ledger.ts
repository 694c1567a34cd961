import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createResultBackend } from '../lib/state/create-result-backend.js';
import type { StateBackend } from '../lib/state/state-backend.js';
import { itemAt } from '../test/support/present.js';
import { startRabbitMq, type RabbitMqNode } from '../test/support/rabbitmq.js';

/**
 * What the ledger on RabbitMQ does in a second, how long one operation takes, and for how long nobody
 * keeps it when its keeper or the server is killed: `node bench/run.mjs ledger`. The keeper is a process
 * of its own.
 */
const EXCHANGE = 'bench';
const HOUR = { expiresInMs: 3_600_000 };
const SECONDS = 5;
const VALUE = Buffer.alloc(100, 7);

const percentile = (values: readonly number[], percent: number): number => itemAt([...values].sort((a, b) => a - b), Math.ceil((values.length * percent) / 100) - 1);

async function open(url: string): Promise<StateBackend> {
  const backend = createResultBackend(url, { exchange: EXCHANGE, operationTimeoutMs: 120_000, ledger: { maxEntries: 1_000_000 } });
  await backend.connect();
  return backend;
}

async function startKeeper(url: string): Promise<ChildProcess> {
  const child = fork(__filename, ['keeper', url], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  return child;
}

async function keep(url: string): Promise<void> {
  const backend = await open(url);
  await backend.get('ready');
  process.send?.('ready');
  // Ends with whoever started it, however that ends.
  process.once('disconnect', () => process.exit(0));
}

async function latency(backend: StateBackend, name: string, work: (index: number) => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  for (let index = 0; index < 2_000; index++) {
    const start = performance.now();
    await work(index);
    times.push(performance.now() - start);
  }
  console.log(`${name}, one after the other: median ${percentile(times, 50).toFixed(2)} ms, 99 % within ${percentile(times, 99).toFixed(2)} ms`);
}

async function throughput(name: string, concurrency: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let done = 0;
  const start = performance.now();
  const end = start + SECONDS * 1000;
  await Promise.all(Array.from({ length: concurrency }, async () => {
    while (performance.now() < end) await work(done++);
  }));
  console.log(`${name}, ${concurrency} at a time: ${Math.round(done / ((performance.now() - start) / 1000))} a second`);
}

/** Each change outdates a record: what it costs must not grow with what is kept beside it. */
async function beside(backend: StateBackend, entries: number): Promise<void> {
  await fill(backend, entries);
  await throughput(`changes of one of ${entries} keys`, 100, (index) => backend.set(`fill-${(index * 7919) % entries}`, VALUE, HOUR));
}

async function fill(backend: StateBackend, entries: number): Promise<void> {
  for (let from = 0; from < entries; from += 1000) {
    await Promise.all(Array.from({ length: Math.min(1000, entries - from) }, (_, index) => backend.set(`fill-${from + index}`, VALUE, HOUR)));
  }
}

async function failover(node: RabbitMqNode, keeper: ChildProcess, backend: StateBackend, entries: number): Promise<ChildProcess> {
  await fill(backend, entries);
  keeper.kill('SIGKILL');
  const killed = performance.now();
  await backend.get('fill-0');
  console.log(`${entries} entries, keeper killed with -9: answered again after ${Math.round(performance.now() - killed)} ms`);
  await node.kill9();
  await node.start();
  const up = performance.now();
  await answered(backend);
  console.log(`${entries} entries, server killed with -9 and started: answered again ${Math.round(performance.now() - up)} ms after it was up`);
  return startKeeper(node.url);
}

async function answered(backend: StateBackend): Promise<void> {
  for (;;) {
    try {
      if (await backend.get('fill-0') === undefined) throw new Error('an entry is gone');
      return;
    } catch (error) {
      if ((error as Error).message === 'an entry is gone') throw error;
    }
  }
}

async function main(): Promise<void> {
  const node = await startRabbitMq();
  try {
    let keeper = await startKeeper(node.url);
    const backend = await open(node.url);
    await latency(backend, 'setIfAbsent', (index) => backend.setIfAbsent(`l${index}`, VALUE, HOUR));
    await latency(backend, 'get', (index) => backend.get(`l${index}`));
    await throughput('setIfAbsent', 200, (index) => backend.setIfAbsent(`t${index}`, VALUE, HOUR));
    await throughput('get', 200, (index) => backend.get(`t${index % 1000}`));
    await throughput('addMember', 200, (index) => backend.addMember('set', `m${index}`, VALUE, HOUR));
    await backend.delete('set');
    await backend.close(10_000);
    keeper.kill('SIGKILL');
    await node.kill9();
    for (const entries of [100, 10_000, 100_000]) {
      await node.start();
      await emptied(node.url);
      keeper = await startKeeper(node.url);
      const client = await open(node.url);
      await beside(client, entries);
      await client.close(10_000);
      keeper.kill('SIGKILL');
      await node.kill9();
    }
    for (const entries of [1_000, 100_000]) {
      await node.start();
      await emptied(node.url);
      keeper = await startKeeper(node.url);
      const standby = await open(node.url);
      keeper = await failover(node, keeper, standby, entries);
      await standby.close(10_000);
      keeper.kill('SIGKILL');
      await node.kill9();
    }
  } finally {
    await node.stop();
  }
}

/** Without its queue the ledger begins anew. */
async function emptied(url: string): Promise<void> {
  const { connect } = await import('amqplib');
  const connection = await connect(url);
  const channel = await connection.createChannel();
  await channel.deleteQueue(`${EXCHANGE}.ledger.v1`);
  await connection.close();
}

void (process.argv[2] === 'keeper' ? keep(itemAt(process.argv, 3)) : main());

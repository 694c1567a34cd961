import { createInterface } from 'node:readline';
import { EmbeddedBroker } from '../../../lib/brokers/embedded/embedded-broker.js';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';

/**
 * A process that uses a folder as a broker or for results: `embedded-folder.js broker|results FOLDER`. It
 * prints each status, does what the lines of its standard input say, and prints a line for each outcome.
 * Whatever is not caught ends it, as it would an application.
 */
const MINUTE = { expiresInMs: 60_000 };
const [kind, folder] = process.argv.slice(2) as [string, string];

interface Subject {
  connect(): Promise<void>;
  write(key: string, bytes: number): Promise<unknown>;
  read(key: string): Promise<unknown>;
  lock(key: string): Promise<unknown>;
  close(): Promise<void>;
}

function brokerSubject(): Subject {
  const broker = new EmbeddedBroker({ location: folder, exchange: 'x', publishTimeoutMs: 5_000 });
  broker.states.subscribe(({ status, cause }) => say('status', status, cause?.message ?? ''));
  return {
    connect: async () => {
      await broker.connect();
      await broker.declare({ queues: [{ name: 'q' }] });
    },
    write: (key, bytes) => broker.publish({ body: Buffer.alloc(bytes, key), properties: {} }, { queue: 'q' }),
    read: () => broker.depth('q'),
    lock: () => broker.signal(),
    close: () => broker.close(5_000),
  };
}

function resultsSubject(): Subject {
  const backend = createResultBackend(`embedded:${folder}`, { reconnectMinMs: 50, reconnectMaxMs: 200, operationTimeoutMs: 3_000, connectTimeoutMs: 3_000 });
  backend.states.subscribe(({ status, cause }) => say('status', status, cause?.message ?? ''));
  return {
    connect: () => backend.connect(),
    write: (key, bytes) => backend.set(key, Buffer.alloc(bytes, key), MINUTE),
    read: async (key) => (await backend.get(key))?.length,
    lock: async (key) => (await backend.setIfAbsent(key, Buffer.from(String(process.pid)), MINUTE)).taken,
    close: () => backend.close(5_000),
  };
}

function say(...words: unknown[]): void {
  console.log(words.map(String).join(' '));
}

async function report(name: string, work: () => Promise<unknown>): Promise<void> {
  try {
    say(name, 'ok', await work() ?? '');
  } catch (error) {
    say(name, 'failed', (error as { code?: unknown }).code, (error as Error).message);
  }
}

async function main(): Promise<void> {
  const subject = kind === 'broker' ? brokerSubject() : resultsSubject();
  createInterface({ input: process.stdin }).on('line', (line) => {
    const [name, command, key, bytes] = line.split(' ') as [string, string, string, string];
    if (command === 'write') void report(name, () => subject.write(key, Number(bytes)));
    else if (command === 'read') void report(name, () => subject.read(key));
    else if (command === 'lock') void report(name, () => subject.lock(key));
    else if (command === 'chdir') process.chdir(key);
    else void report(name, () => subject.connect());
  }).on('close', () => void subject.close());
  await report('connect', () => subject.connect());
}

void main();

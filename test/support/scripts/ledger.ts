import { createInterface } from 'node:readline';
import { DispatcherError } from '../../../lib/errors.js';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';
import { firstOf, present } from '../present.js';

/**
 * A process that uses the ledger of RabbitMQ: `ledger.js URL EXCHANGE`. It prints `ready`, then does what
 * the lines of its standard input say, and prints a line for each thing that it was told for sure.
 */
const HOUR = { expiresInMs: 3_600_000 };
const [, , url, exchange] = firstOf(process.argv, 4);
const backend = createResultBackend(url, { exchange, keyPrefix: 'test:', operationTimeoutMs: 5_000, reconnectMinMs: 20, reconnectMaxMs: 500 });
const self = String(process.pid);

/** What fails with a retryable error is done again until it succeeds, as the port asks. */
async function persist<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DispatcherError) || !error.retryable) throw error;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }
}

const range = (count: string): number[] => Array.from({ length: Number(count) }, (_, index) => index);

const commands: Record<string, (...args: string[]) => Promise<void>> = {
  /** Tries to take so many keys at the same time, and says who has each. */
  claim: async (name, count) => {
    await Promise.all(range(count).map(async (index) => {
      const key = `${name}-${index}`;
      const claim = await persist(() => backend.setIfAbsent(key, Buffer.from(self), HOUR));
      console.log(`owner ${key} ${claim.taken ? self : claim.value.toString()}`);
    }));
    console.log(`claimed ${name}`);
  },
  /** Adds so many members of its own, some at a time, and says how many were in it. */
  add: async (name, count) => {
    const rest = range(count).map((index) => `${self}-${index}`);
    await Promise.all(range('50').map(async () => {
      for (let member = rest.pop(); member !== undefined; member = rest.pop()) {
        const added = member;
        const { count: present } = await persist(() => backend.addMember(name, added, Buffer.from(added), HOUR));
        console.log(`added ${added} ${present}`);
      }
    }));
    console.log(`added-all ${name}`);
  },
  watch: async (key) => {
    backend.watch(key, (value) => console.log(`seen ${key} ${value.toString()}`));
  },
  set: async (key, value) => {
    await persist(() => backend.set(key, Buffer.from(value), HOUR));
    console.log(`set ${key} ${value}`);
  },
};

async function main(): Promise<void> {
  await backend.connect();
  createInterface({ input: process.stdin }).on('line', (line) => {
    const [command = '', ...args] = line.split(' ');
    void present(commands[command], `command "${command}"`)(...args);
  }).on('close', () => void backend.close(5_000));
  console.log('ready');
}

void main();

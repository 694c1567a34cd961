import { createInterface } from 'node:readline';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';
import { firstOf, present } from '../present.js';

/**
 * A process that uses a folder of results: `result-folder.js FOLDER`. It prints `ready`, then does what
 * the lines of its standard input say, and prints a line for each thing that is done for sure.
 */
const MINUTE = { expiresInMs: 60_000 };
const backend = createResultBackend(`embedded:${process.argv[2]}`);

const commands: Record<string, (argument: string) => Promise<void>> = {
  /** Writes ever more values and members, until it is killed. */
  flood: async (name) => {
    for (let number = 0; ; number += 10) {
      await Promise.all(Array.from({ length: 10 }, async (_, index) => {
        const id = `${name}-${number + index}`;
        await backend.set(id, Buffer.from(id), MINUTE);
        await backend.addMember('flood', id, Buffer.from(id), MINUTE);
        console.log(`kept ${id}`);
      }));
    }
  },
  claim: async (key) => {
    const { taken } = await backend.setIfAbsent(key, Buffer.from(String(process.pid)), MINUTE);
    console.log(`claim ${key} ${taken}`);
  },
  set: async (key) => {
    await backend.set(key, Buffer.from(String(process.pid)), MINUTE);
    console.log(`set ${key}`);
  },
};

async function main(): Promise<void> {
  await backend.connect();
  createInterface({ input: process.stdin }).on('line', (line) => {
    const [command, argument] = firstOf(line.split(' '), 2);
    void present(commands[command], `command "${command}"`)(argument);
  }).on('close', () => void backend.close(5_000));
  console.log('ready');
}

void main();

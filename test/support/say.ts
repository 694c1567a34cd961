import { writeSync } from 'node:fs';

const MOMENT = new Int32Array(new SharedArrayBuffer(4));

/**
 * Written before it returns, so that a SIGKILL loses nothing that was said. `process.stdout` does not do that where the
 * reader is behind: a few hundred short lines fill what stands between, and the rest would wait in the memory of this process.
 */
export function say(note: object): void {
  const line = Buffer.from(`${JSON.stringify(note)}\n`);
  for (let written = 0; written < line.length;) written += writtenOf(line, written);
}

function writtenOf(line: Buffer, from: number): number {
  try {
    return writeSync(1, line, from);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    Atomics.wait(MOMENT, 0, 0, 1);
    return 0;
  }
}

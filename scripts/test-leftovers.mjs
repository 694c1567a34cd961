import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A temporary folder and a mark in the environment for one run of the tests. Every process and every
 * temporary file of the run has them, so that afterwards what was left behind can be named and removed.
 */
export class TestRun {
  id = randomUUID();
  /** Short, because the paths of sockets in it may have 100 characters at most. */
  folder = mkdtempSync(join(tmpdir(), 'dispatcher-test-'));

  /** The environment of whatever the run starts. */
  env(root) {
    return {
      ...process.env,
      DISPATCHER_TEST_RUN: this.id,
      TMPDIR: this.folder,
      // From Node 22 on compilers keep a cache, by default among the temporary files.
      NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node-compile-cache'),
    };
  }

  /** Removes whatever the run left behind, and returns a line about each piece. */
  cleanUp() {
    const leftovers = [...this.#killProcesses(), ...readdirSync(this.folder).map((name) => `the temporary file or folder ${join(this.folder, name)}`)];
    rmSync(this.folder, { recursive: true, force: true });
    return leftovers;
  }

  #killProcesses() {
    const left = [];
    for (const pid of pidsOfThisMachine()) {
      if (!readProc(pid, 'environ').includes(this.id)) continue;
      left.push(`the process ${pid}: ${readProc(pid, 'cmdline').replaceAll('\0', ' ').slice(0, 200)}`);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself in between.
      }
    }
    return left;
  }
}

/** On Linux; elsewhere none, and only the files are checked. */
function pidsOfThisMachine() {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => pid !== process.pid);
  } catch {
    return [];
  }
}

function readProc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    // It has ended, or belongs to somebody else; then it is not of this run.
    return '';
  }
}

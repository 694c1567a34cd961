import { execFileSync } from 'node:child_process';
import { rmSync, writeSync, openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { removeFolder, temporaryFolder } from './temporary-folder.js';

const BALLAST = 'ballast';
const PIECE = Buffer.alloc(4096, 1);

/** A disk of its own for a test to fill, in memory. */
export class SmallDisk {
  private constructor(readonly folder: string) {}

  /** Skips the test, and says why, where this user may not mount one. */
  static mount(megabytes: number, context: TestContext): SmallDisk {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return context.skip('only root on Linux may mount a small disk');
    const folder = temporaryFolder('disk');
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'pipe' });
    } catch (error) {
      removeFolder(folder);
      return context.skip(`a small disk cannot be mounted: ${(error as Error).message.trim()}`);
    }
    const disk = new SmallDisk(folder);
    process.once('exit', disk.unmount);
    return disk;
  }

  /** Leaves no byte free. */
  fill(): void {
    const file = openSync(join(this.folder, BALLAST), 'a');
    try {
      for (;;) writeSync(file, PIECE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Takes away what `fill` has put there. */
  clear(): void {
    rmSync(join(this.folder, BALLAST), { force: true });
  }

  /** Only while no process has a file open there. */
  makeReadOnly(): void {
    execFileSync('mount', ['-o', 'remount,ro', this.folder], { stdio: 'pipe' });
  }

  remove(): void {
    process.off('exit', this.unmount);
    this.unmount();
    removeFolder(this.folder);
  }

  private readonly unmount = (): void => {
    // At once for the path; the mount itself ends with the last process that has a file open there.
    execFileSync('umount', ['--lazy', this.folder], { stdio: 'pipe' });
  };
}


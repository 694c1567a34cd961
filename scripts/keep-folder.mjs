import { existsSync, renameSync, rmSync } from 'node:fs';

/** What was made in a folder of another name is kept from now on. Who made the same meanwhile, in another process, has made it for all. */
export function keepFolder(unfinished, kept) {
  try {
    renameSync(unfinished, kept);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(kept)) throw error;
  }
}

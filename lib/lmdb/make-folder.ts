import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Makes a folder and those above it. @throws what the system says, also where Node does not pass it on */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    // On a file system that is read-only, Node 20 says that something on the way does not exist.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') accessSync(nearestAbove(folder), constants.W_OK);
    throw error;
  }
}

function nearestAbove(folder: string): string {
  let above = resolve(folder);
  while (!existsSync(above) && dirname(above) !== above) above = dirname(above);
  return above;
}

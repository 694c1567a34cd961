import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeFolder, temporaryFolder } from '../../test/support/temporary-folder.js';
import type { Server } from './server.js';

/** Where the embedded broker keeps its data: a folder on the disk of the temporary folder, emptied after each run. */
export function embeddedFolder(): Server {
  const folder = temporaryFolder('bench');
  const data = join(folder, 'data');
  return {
    url: `embedded:${data}`,
    clear: async () => rmSync(data, { recursive: true, force: true }),
    stop: async () => removeFolder(folder),
  };
}

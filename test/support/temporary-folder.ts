import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();

/** A new folder that is removed when its owner says so, and at the latest when this process ends. */
export function temporaryFolder(purpose: string): string {
  if (folders.size === 0) process.off('exit', removeAllFolders).once('exit', removeAllFolders);
  const folder = mkdtempSync(join(tmpdir(), `dispatcher-${purpose}-`));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  folders.delete(folder);
}

function removeAllFolders(): void {
  for (const folder of folders) removeFolder(folder);
}

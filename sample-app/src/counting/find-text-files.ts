import { isBinaryFile } from 'isbinaryfile';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface FoundFiles {
  texts: string[];
  binaries: number;
  /** What could not be looked at, and why. */
  problems: { path: string; problem: string }[];
}

const SKIPPED = new Set(['node_modules', '.git']);

/** All text files at and below these paths. Symbolic links are not followed: they can lead in circles. */
export async function findTextFiles(roots: readonly string[]): Promise<FoundFiles> {
  const found: FoundFiles = { texts: [], binaries: 0, problems: [] };
  for (const root of roots) {
    await note(root, found, async () => ((await stat(root)).isDirectory() ? addFolder(root, found) : addFile(root, found)));
  }
  return found;
}

async function addFolder(folder: string, found: FoundFiles): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isFile()) await note(path, found, () => addFile(path, found));
    else if (entry.isDirectory() && !SKIPPED.has(entry.name)) await note(path, found, () => addFolder(path, found));
  }
}

async function addFile(path: string, found: FoundFiles): Promise<void> {
  if (await isBinaryFile(path)) found.binaries++;
  else found.texts.push(path);
}

async function note(path: string, found: FoundFiles, look: () => Promise<void>): Promise<void> {
  try {
    await look();
  } catch (error) {
    found.problems.push({ path, problem: (error as Error).message });
  }
}

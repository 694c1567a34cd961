import { resolve } from 'node:path';
import { workerData } from 'node:worker_threads';

/**
 * The folder that relative ones belong to: of the process, as it is now. A thread starts later, when the
 * process may have gone elsewhere; it is told the folder that its dispatcher was configured in.
 */
export function workingFolder(): string {
  const given = (workerData as Partial<ThreadFolder> | null | undefined)?.dispatcherWorkingFolder;
  return typeof given === 'string' ? given : process.cwd();
}

/** What a thread is told. */
export interface ThreadFolder { readonly dispatcherWorkingFolder: string }

/**
 * An `embedded:` URL with its folder absolute; any other as it is. Broker, results and shared state open
 * it at different times, and must meet.
 */
export function withAbsoluteFolder(url: string, from: string): string {
  const rest = /^embedded:(.*)$/is.exec(url)?.[1];
  if (rest === undefined) return url;
  // In memory, or no folder at all, which is refused by whoever reads it.
  const isFolder = rest.trim() !== '' && !rest.startsWith('#') && !rest.startsWith('//') && !rest.includes('\0');
  return `embedded:${isFolder ? resolve(from, rest) : rest}`;
}

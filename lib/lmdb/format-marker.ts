import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from '../errors.js';

/** What says whose a folder is: a file in it. */
export interface FolderMarker {
  /** How texts name the owner: 'embedded broker'. */
  readonly name: string;
  /** The marker's file. */
  readonly file: string;
  /** What it says. */
  readonly kind: string;
  /** To be raised with every change that older versions cannot read. */
  readonly format: number;
  /** Files that may lie in a folder without a marker. */
  readonly tolerated: readonly string[];
}

/**
 * Makes sure that the folder is ours, in a format that we know; an empty one becomes ours. The marker
 * is written before anything else, so that a crash leaves no folder in doubt.
 * @throws ConfigurationError when it is somebody else's, or newer than this version
 */
export function claimFolder(folder: string, marker: FolderMarker): void {
  const text = readMarker(folder, marker);
  if (text === undefined) {
    refuseForeign(folder, marker);
    writeMarker(folder, marker);
    return;
  }
  const found = parseMarker(text);
  if (found?.kind !== marker.kind || typeof found.format !== 'number') {
    throw new ConfigurationError(
      `'${join(folder, marker.file)}' does not say that the folder belongs to the ${marker.name}. Name another folder, or restore this one from a backup.`, { folder });
  }
  if (found.format > marker.format) {
    throw new ConfigurationError(
      `The folder '${folder}' was written by a newer version (format ${found.format}; this one reads up to ${marker.format}). Upgrade nestjs-dispatcher, or name another folder.`,
      { folder, found: found.format, expected: marker.format });
  }
}

function readMarker(folder: string, { file }: FolderMarker): string | undefined {
  try {
    return readFileSync(join(folder, file), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseMarker(text: string): { kind?: unknown; format?: unknown } | undefined {
  try {
    return JSON.parse(text) as { kind?: unknown; format?: unknown };
  } catch {
    return undefined;
  }
}

function refuseForeign(folder: string, marker: FolderMarker): void {
  const isUnfinished = (name: string): boolean => name.startsWith(`${marker.file}.`) && /\.\d+\.new$/.test(name);
  const others = readdirSync(folder).filter((name) => !marker.tolerated.includes(name) && !isUnfinished(name));
  // Another process may have claimed it since we looked.
  if (others.length === 0 || others.includes(marker.file)) return;
  throw new ConfigurationError(
    `The folder '${folder}' holds other files ('${others[0]}'${others.length > 1 ? ' and more' : ''}). The ${marker.name} needs one of its own: name an empty or a new folder.`,
    { folder });
}

/** Renamed into place, so that nobody reads half of it. */
function writeMarker(folder: string, { file, kind, format }: FolderMarker): void {
  const unfinished = join(folder, `${file}.${process.pid}.new`);
  const descriptor = openSync(unfinished, 'w');
  try {
    writeSync(descriptor, `${JSON.stringify({ kind, format })}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(unfinished, join(folder, file));
}

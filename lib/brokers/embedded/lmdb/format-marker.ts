import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from '../../../errors.js';

/** Says what a folder is; written before anything else, so that a crash leaves no folder in doubt. */
const MARKER = 'dispatcher-broker.json';
const KIND = 'nestjs-dispatcher embedded broker';
/** Raise it with every change that older versions cannot read. */
const FORMAT = 1;
/** The results of the same URL, which may have come first (`lib/results/embedded`). */
const RESULTS = 'results';
const UNFINISHED_MARKER = /^dispatcher-broker\.json\.\d+\.new$/;

/**
 * Makes sure that the folder is ours, in a format that we know; an empty one becomes ours.
 * @throws ConfigurationError when it is somebody else's, or newer than this version
 */
export function claimFolder(folder: string): void {
  const marker = readMarker(folder);
  if (marker === undefined) {
    refuseForeign(folder);
    writeMarker(folder);
    return;
  }
  const found = parseMarker(marker);
  if (found?.kind !== KIND || typeof found.format !== 'number') {
    throw new ConfigurationError(
      `'${join(folder, MARKER)}' does not say that the folder belongs to an embedded broker. Name another folder, or restore this one from a backup.`, { folder });
  }
  if (found.format > FORMAT) {
    throw new ConfigurationError(
      `The folder '${folder}' was written by a newer version (format ${found.format}; this one reads up to ${FORMAT}). Upgrade nestjs-dispatcher, or name another folder.`,
      { folder, found: found.format, expected: FORMAT });
  }
}

function readMarker(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, MARKER), 'utf8');
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

function refuseForeign(folder: string): void {
  const others = readdirSync(folder).filter((name) => name !== RESULTS && !UNFINISHED_MARKER.test(name));
  // Another process may have claimed it since we looked.
  if (others.length === 0 || others.includes(MARKER)) return;
  throw new ConfigurationError(
    `The folder '${folder}' holds other files ('${others[0]}'${others.length > 1 ? ' and more' : ''}). The embedded broker needs one of its own: name an empty or a new folder.`,
    { folder });
}

/** Renamed into place, so that nobody reads half of it. */
function writeMarker(folder: string): void {
  const unfinished = join(folder, `${MARKER}.${process.pid}.new`);
  const file = openSync(unfinished, 'w');
  try {
    writeSync(file, `${JSON.stringify({ kind: KIND, format: FORMAT })}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(unfinished, join(folder, MARKER));
}

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'test/durations.json';
/** Whatever ends sooner fits in anywhere. */
const SHORT_SECONDS = 10;

/**
 * How long the test files took in the last whole run that was recorded, in seconds, by their paths; those that take no time to
 * speak of are not in it.
 *
 * @returns {Readonly<Record<string, number>>}
 */
export function knownDurations(root) {
  return JSON.parse(readFileSync(join(root, FILE), 'utf8'));
}

/**
 * In which order files begin: the longest first, so that none goes on alone at the end. One that is not known takes its place
 * in the middle: it is new, or short.
 *
 * @template T
 * @param {readonly T[]} files
 * @param {(file: T) => string} pathOf
 * @param {Readonly<Record<string, number>>} durations
 * @returns {T[]}
 */
export function longestFirst(files, pathOf, durations) {
  const seconds = (file) => durations[pathOf(file)] ?? SHORT_SECONDS;
  return files.toSorted((a, b) => seconds(b) - seconds(a));
}

/** @param {Readonly<Record<string, number>>} durations of all files, in seconds */
export function recordDurations(root, durations) {
  const long = Object.entries(durations).filter(([, seconds]) => seconds > SHORT_SECONDS).map(([path, seconds]) => [path, Math.round(seconds)]);
  long.sort(([a, ofA], [b, ofB]) => ofB - ofA || a.localeCompare(b));
  writeFileSync(join(root, FILE), `${JSON.stringify(Object.fromEntries(long), null, 2)}\n`);
}

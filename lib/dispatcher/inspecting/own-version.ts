import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const NAME = 'nestjs-dispatcher';
const MOST_LEVELS = 6;

/** Of this package, as its own file says it: built, or as it is written. */
export function ownVersion(folder = __dirname, levels = MOST_LEVELS): string {
  const file = join(folder, 'package.json');
  if (existsSync(file)) {
    const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown; version?: unknown };
    if (name === NAME && typeof version === 'string') return version;
  }
  return levels > 0 ? ownVersion(dirname(folder), levels - 1) : 'unknown';
}

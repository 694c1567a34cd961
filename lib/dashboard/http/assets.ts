import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { ConfigurationError } from '../../errors.js';

export interface Asset {
  readonly type: string;
  readonly body: Buffer;
}

/** By the path within the dashboard, `index.html` and `assets/...`. */
export type Assets = ReadonlyMap<string, Asset>;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml',
};

/**
 * The built page, whole in memory: what is not among it is not served, whatever the path says.
 *
 * @throws ConfigurationError where it has not been built
 */
export function readAssets(folder: string): Assets {
  const assets = new Map(filesOf(folder).filter((file) => extname(file) in TYPES).map((file) => {
    return [relative(folder, file).split(sep).join('/'), { type: TYPES[extname(file)] as string, body: readFileSync(file) }];
  }));
  if (!assets.has('index.html')) throw new ConfigurationError(`The page of the dashboard is missing in ${folder}. The package has it; in a clone of the sources, "npm run build" makes it.`);
  return assets;
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  } catch {
    return [];
  }
}

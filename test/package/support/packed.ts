import { cpSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './package-managers.js';

export interface Packed {
  readonly tarball: string;
  /** Paths of what is in it. */
  readonly files: readonly string[];
}

interface Report { filename: string; files: { path: string }[] }

/** What is made, and not written. */
const NOT_COPIED = ['.git', 'node_modules', 'dist', 'coverage', 'site'];

/**
 * Packs as for publishing. It builds on the way (prepack), so that what is packed is what the sources say now; in a copy,
 * because others run what is in `dist` meanwhile.
 */
export async function packInto(folder: string): Promise<Packed> {
  const copy = join(folder, 'sources');
  for (const name of readdirSync(process.cwd())) if (!NOT_COPIED.includes(name)) cpSync(name, join(copy, name), { recursive: true });
  symlinkSync(join(process.cwd(), 'node_modules'), join(copy, 'node_modules'), 'junction');
  const output = await run(copy, ['npm', 'pack', '--json', '--pack-destination', folder]);
  const { filename, files } = reportOf(output);
  return { tarball: join(folder, filename), files: files.map(({ path }) => path) };
}

/** The build prints before the JSON does, npm's notes after it; npm 11 gives a list, npm 12 an object by name. */
function reportOf(output: string): Report {
  const start = output.search(/^[[{]/m);
  const end = output.slice(start).search(/^[\]}]$/m);
  const [report] = Object.values(JSON.parse(output.slice(start, start + end + 1)) as Report[] | Record<string, Report>);
  if (report === undefined) throw new Error(`npm pack said nothing of a tarball:\n${output}`);
  return report;
}

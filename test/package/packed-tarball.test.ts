import { execFile } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProcess } from '../support/processes.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';

const INSTALL_LIMIT_MS = 240_000;

/** What users get: packed as for publishing, installed with nothing but `npm install`, used by its public name. */
describe('the packed tarball', () => {
  const folder = temporaryFolder('package');
  let tarball: string;

  beforeAll(async () => {
    // It builds on the way (prepack), so that what is packed is what the sources say now.
    const output = await npm(process.cwd(), 'pack', '--json', '--pack-destination', folder);
    const packed = packedFile(output);
    tarball = join(folder, packed.filename);
    expect(packed.files.map(({ path }) => path).filter((path) => !/^(dist\/lib\/|package\.json$|README|LICENSE|CHANGELOG)/.test(path))).toEqual([]);
  });
  afterAll(() => removeFolder(folder));

  it('names the frameworks that it works with as peers, and brings none of its own', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
      dependencies: object; peerDependencies?: object; peerDependenciesMeta?: Record<string, { optional?: boolean }>;
    };
    const required = Object.keys(manifest.peerDependencies ?? {}).filter((name) => manifest.peerDependenciesMeta?.[name]?.optional !== true);
    expect(required.sort()).toEqual(['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs']);
    expect(Object.keys(manifest.dependencies).filter((name) => /^(@nestjs\/|rxjs$|reflect-metadata$)/.test(name))).toEqual([]);
  });

  it.each(['nest-11-cjs', 'nest-12-esm'])('installs, type-checks, starts and runs a task in a fresh %s app', async (name) => {
    const app = join(folder, name);
    cpSync(join('test/package/apps', name), app, { recursive: true });
    await npm(app, 'install', '--no-audit', '--no-fund', tarball);
    await npm(app, 'run', 'build');
    const child = startProcess(process.execPath, ['dist/main.js'], { cwd: app });
    const exit = await child.exited(60_000);
    expect(child.stderr).toBe('');
    // The task may print before its publisher does.
    expect([...child.lines.all].sort()).toEqual([expect.stringMatching(/^published [0-9a-f-]{36}$/), 'the result is 5']);
    expect(exit.code).toBe(0);
  });
});

async function npm(cwd: string, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('npm', args, { cwd, timeout: INSTALL_LIMIT_MS, maxBuffer: 10_000_000 });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`npm ${args.join(' ')} failed in ${cwd}:\n${stdout}\n${stderr}`, { cause: error });
  }
}

interface Packed { filename: string; files: { path: string }[] }

/** The build prints before the JSON does; npm 11 gives a list, npm 12 an object by name. */
function packedFile(output: string): Packed {
  const start = output.search(/^[[{]/m);
  const parsed = JSON.parse(output.slice(start)) as Packed[] | Record<string, Packed>;
  const [packed] = Object.values(parsed);
  if (packed === undefined) throw new Error(`npm pack said nothing of a tarball:\n${output}`);
  return packed;
}

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProcess } from '../support/processes.js';
import { removeFolder } from '../support/temporary-folder.js';

/** Inside the project: only there does the package find itself by its own name. */
const PARENT = join(process.cwd(), '.cache');
let folder: string;

function example(): string {
  const section = readFileSync('README.md', 'utf8').split(/^## Example$/m)[1] ?? '';
  return /```ts\n(.*?)```/s.exec(section)?.[1] ?? '';
}

/** With the compiler itself: decorators need their metadata, and a wrong type in the README must be seen. */
async function compile(): Promise<void> {
  writeFileSync(join(folder, 'example.ts'), example());
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
    extends: join(process.cwd(), 'tsconfig.json'),
    compilerOptions: { rootDir: '.', outDir: './out', declaration: false, sourceMap: false },
    include: ['example.ts'], exclude: [],
  }));
  const tsc = join(process.cwd(), 'node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch((error: { stdout?: string }) => {
    throw new Error(`The example in README.md does not compile:\n${error.stdout}`, { cause: error });
  });
}

beforeAll(async () => {
  mkdirSync(PARENT, { recursive: true });
  folder = mkdtempSync(join(PARENT, 'readme-example-'));
  await compile();
});

afterAll(() => removeFolder(folder));

describe('the example in README.md', () => {
  it('is short', () => {
    const lines = example().trim().split('\n');
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.length).toBeLessThanOrEqual(40);
  });

  it('runs its three tasks, and ends on SIGTERM', async () => {
    const app = startProcess(process.execPath, [join(folder, 'out/example.js')]);
    await Promise.all([app.line(/^1 \+ 2 = 3$/), app.line(/^3 \+ 4 = 7$/), app.line(/^5 \+ 6 = 11$/)]);
    app.signal('SIGTERM');
    // Nest hands the signal back to itself when it has shut down.
    expect(await app.exited()).toEqual({ code: null, signal: 'SIGTERM' });
    expect(app.lines.all.some((line) => line.includes('Worker "worker_1" has stopped'))).toBe(true);
  });
});

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { Application } from './support/application.js';
import { brokenLinks } from '../support/docs/links.js';
import { PACKAGE_MANAGERS, preparePackageManagers, run } from './support/package-managers.js';
import { packInto, type Packed } from './support/packed.js';

const APPLICATIONS = ['nest-11-cjs', 'nest-12-esm'];

/** What users get: packed as for publishing, installed as they install, used by its public name. */
describe('the packed tarball', () => {
  const folder = temporaryFolder('package');
  let packed: Packed;
  let cannotInstall: string | undefined;
  let started = 0;

  beforeAll(async () => {
    packed = await packInto(folder);
    cannotInstall = await preparePackageManagers();
    if (cannotInstall !== undefined) console.error(`NOT TESTED: installing the package, because ${cannotInstall}`);
  });
  afterAll(() => removeFolder(folder));

  it('holds the build, the pages and the licences, and nothing else', ({ expect }) => {
    expect(packed.files.filter((path) => !/^(dist\/lib\/|docs\/|schematics\/|(package\.json|README\.md|LICENSE|CHANGELOG\.md)$)/.test(path))).toEqual([]);
    expect(packed.files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md', 'docs/delivery-guarantees.md', 'dist/lib/built-in/nestjs-discovery/LICENSE']));
  });

  it('says first how to install it', ({ expect }) => {
    expect(readFileSync('README.md', 'utf8')).toMatch(/^# .+\n\n```bash\nnpm install nestjs-dispatcher\n```\n/);
  });

  it('has whatever its pages link to', ({ expect }) => {
    const pages = packed.files.filter((path) => path.endsWith('.md'));
    expect(pages.flatMap((page) => brokenLinks(page, packed.files))).toEqual([]);
  });

  it('names the frameworks that it works with as peers, and brings none of its own', ({ expect }) => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
      dependencies: object; peerDependencies?: object; peerDependenciesMeta?: Record<string, { optional?: boolean }>;
    };
    const required = Object.keys(manifest.peerDependencies ?? {}).filter((name) => manifest.peerDependenciesMeta?.[name]?.optional !== true);
    expect(required.sort()).toEqual(['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs']);
    expect(Object.keys(manifest.dependencies).filter((name) => /^(@nestjs\/|rxjs$|reflect-metadata$)/.test(name))).toEqual([]);
  });

  it('is in order for those who look at packages', async ({ expect }) => {
    expect(await run(process.cwd(), ['node_modules/publint/src/cli.js', 'run', packed.tarball, '--strict'])).toContain('All good!');
    // Whoever resolves modules as Node 10 did has no vitest either.
    const types = await run(process.cwd(), ['node_modules/@arethetypeswrong/cli/dist/index.js', packed.tarball, '--format', 'ascii', '--exclude-entrypoints', 'testing/vitest']);
    expect(types).not.toMatch(/\u{1f480}|\u274c|\u26a0/u);
  });

  it('tells older compilers where the types of each sub-path are', ({ expect }) => {
    const { exports, typesVersions } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, string | { types: string }>; typesVersions: unknown };
    const typed = Object.entries(exports).flatMap(([path, target]) => (typeof target === 'string' || path === '.' ? [] : [[path.slice(2), [target.types]] as const]));
    expect(typesVersions).toEqual({ '*': Object.fromEntries(typed) });
  });

  it('carries the discovery package in its build, and leaves it out of its manifest alone', async ({ expect }) => {
    const named = (manifest: string): unknown => (JSON.parse(manifest) as { dependencies: Record<string, string> }).dependencies['@golevelup/nestjs-discovery'];
    expect(named(execFileSync('tar', ['-xzOf', packed.tarball, 'package/package.json'], { encoding: 'utf8' }))).toBeUndefined();
    expect(named(readFileSync('package.json', 'utf8'))).toBeDefined();
    await expect(run(process.cwd(), ['npm', 'publish', '--dry-run'])).rejects.toThrow(/npm publish nestjs-dispatcher-<version>\.tgz/);
  });

  const cases = PACKAGE_MANAGERS.flatMap((manager) => APPLICATIONS.map((name) => ({ manager, name, title: manager.name })));
  describe.concurrent('installed', () => {
    it.for(cases)('by $title in a fresh $name app: without a word on peers or builds, starts and runs a task', async ({ manager, name }, { skip, expect }) => {
      skip(cannotInstall !== undefined, cannotInstall);
      const app = new Application(join(folder, `app-${++started}`), name, manager);
      expect(await app.install(packed.tarball)).toEqual([]);
      await app.build();
      const { code, lines, errors } = await app.run();
      // The task may print before its publisher does.
      expect({ errors, lines: lines.sort() }).toMatchObject({ lines: [expect.stringMatching(/^published [0-9a-f-]{36}$/), 'the result is 5'] });
      expect(code).toBe(0);
      const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
      expect(await app.program(['--version'])).toMatchObject({ code: 0, lines: [version], errors: '' });
      expect(await app.program(['queues', 'any', '--broker', 'amqp://127.0.0.1:1/', '--exchange', 'any'])).toMatchObject({ code: 3, lines: [], errors: expect.stringContaining('ECONNREFUSED') as string });
      // What a folder needs is not among it: that says what to install.
      const withoutLmdb = await app.run({ BROKER: 'embedded:./tasks' });
      expect(`${withoutLmdb.lines.join('\n')}\n${withoutLmdb.errors}`).toContain('npm install lmdb');
      expect(withoutLmdb.code).not.toBe(0);
      if (manager.name !== 'npm') return;
      expect(errors).toBe('');
      const tested = await app.test();
      expect(tested).toMatch(/adds after three days, at once/);
      expect(tested).toMatch(/works in an application of a user/);
    });
  });
});

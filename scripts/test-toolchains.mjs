/**
 * `npm run test:toolchains`: the packed tarball in applications of users, built by each builder of the Nest CLI and run on
 * each Node that we support. `npm run test:toolchains -- nest-12-esm swc 24` runs a part. See docs/testing.md.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The oldest that we support as it is; of the others the latest. */
const NODES = ['20.19.0', '22', '24'];
const BUILDERS = ['tsc', 'swc', 'webpack'];
/** As in what `nest new` writes. */
const TOOLS = { '@swc/cli': '^0.8.0', '@swc/core': '^1.13.0', 'ts-loader': '^9.5.0' };
const APPS = {
  'nest-11-cjs': { cli: '^11.0.0', builders: BUILDERS, swcModule: 'commonjs' },
  // What webpack makes of an application is CommonJS, which Node takes for none beside "type": "module".
  'nest-12-esm': { cli: '^12.0.0', builders: ['tsc', 'swc'], swcModule: 'nodenext' },
};
const LIMIT_MS = 600_000;

const root = resolve(import.meta.dirname, '..');
const args = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'dispatcher-toolchains-'));
try {
  process.exitCode = main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function main() {
  const choose = (all) => { const named = all.filter((each) => args.includes(each)); return named.length === 0 ? all : named; };
  const unknown = args.filter((arg) => ![...Object.keys(APPS), ...BUILDERS, ...NODES].includes(arg));
  if (unknown.length > 0) throw new Error(`Unknown: ${unknown.join(', ')}. There are ${[...Object.keys(APPS), ...BUILDERS, ...NODES].join(', ')}.`);
  run(root, 'npm', ['pack', '--silent', '--pack-destination', folder]);
  const tarball = join(folder, execFileSync('ls', [folder], { encoding: 'utf8' }).trim());
  const nodes = choose(NODES).map((version) => ({ version, file: nodeOf(version) }));
  const rows = choose(Object.keys(APPS)).flatMap((app) => {
    const place = applicationOf(app, tarball);
    return choose(BUILDERS).filter((builder) => APPS[app].builders.includes(builder)).flatMap((builder) => rowsOf({ app, place, builder, nodes }));
  });
  console.table(rows);
  return rows.every(({ outcome }) => outcome === 'passed') ? 0 : 1;
}

function rowsOf({ app, place, builder, nodes }) {
  rmSync(join(place, 'dist'), { recursive: true, force: true });
  run(place, 'npx', ['nest', 'build', '--builder', builder, '--path', 'tsconfig.json']);
  // Where swc puts it depends on its version.
  const entry = ['dist/main.js', 'dist/src/main.js'].find((path) => existsSync(join(place, path))) ?? 'dist/main.js';
  return nodes.map(({ version, file }) => {
    const { status, stdout, stderr } = spawnSync(file, [entry], { cwd: place, encoding: 'utf8', timeout: LIMIT_MS });
    const isPassed = status === 0 && stderr === '' && /^the result is 5$/m.test(stdout) && /^published [0-9a-f-]{36}$/m.test(stdout);
    if (!isPassed) console.error(`${app}, ${builder}, Node ${version}: ended with ${status}\n${stdout}${stderr}`);
    return { app, builder, node: execFileSync(file, ['--version'], { encoding: 'utf8' }).trim(), outcome: isPassed ? 'passed' : 'FAILED' };
  });
}

/** A new one, with sources as in test/package/apps. */
function applicationOf(app, tarball) {
  const [from, place] = [join(root, 'test/package/apps', app), join(folder, app)];
  mkdirSync(place);
  for (const file of ['src', 'tsconfig.json']) cpSync(join(from, file), join(place, file), { recursive: true });
  // As such applications are written; webpack, which reads the sources, finds nothing of another name.
  if (APPS[app].swcModule === 'commonjs') for (const file of readdirSync(join(place, 'src'))) withoutExtensions(join(place, 'src', file));
  const { forItsTests, jest, scripts, devDependencies, ...manifest } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  const { cli, swcModule } = APPS[app];
  writeFileSync(join(place, 'package.json'), JSON.stringify({ ...manifest, devDependencies: { ...devDependencies, ...TOOLS, '@nestjs/cli': cli } }));
  writeFileSync(join(place, 'nest-cli.json'), JSON.stringify({ sourceRoot: 'src' }));
  writeFileSync(join(place, '.swcrc'), JSON.stringify({
    jsc: { target: 'es2022', parser: { syntax: 'typescript', decorators: true }, transform: { legacyDecorator: true, decoratorMetadata: true } }, module: { type: swcModule },
  }));
  run(place, 'npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', tarball]);
  return place;
}

function withoutExtensions(file) {
  writeFileSync(file, readFileSync(file, 'utf8').replace(/(from '\.[^']*)\.js'/g, "$1'"));
}

/** The binary of this version, from the registry of packages. */
function nodeOf(version) {
  const place = join(folder, `node-${version}`);
  mkdirSync(place);
  writeFileSync(join(place, 'package.json'), '{"private":true}');
  run(place, 'npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', `node@${version}`]);
  return join(place, 'node_modules/node/bin/node');
}

function run(cwd, program, more) {
  console.log(`${program} ${more.join(' ')}`);
  const { status, stdout, stderr } = spawnSync(program, more, { cwd, encoding: 'utf8', timeout: LIMIT_MS, maxBuffer: 50_000_000 });
  if (status !== 0) throw new Error(`${program} ${more.join(' ')} failed in ${cwd}:\n${stdout}\n${stderr}`);
}

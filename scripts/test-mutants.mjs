/**
 * `npm run test:mutants [-- name ...]`: breaks the library on purpose, in a copy, and says which tests notice.
 * Its exit code is 1 when a mutant lives. See docs/testing.md.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MUTANTS } from '../test/mutants/mutants.mjs';
import { ensureInstalled } from './ensure-installed.mjs';
import { ensureNodeVersion } from './ensure-node-version.mjs';
import { ensureRabbitMq } from './ensure-rabbitmq.mjs';
import { TestRun } from './test-leftovers.mjs';

/** Whatever a test may need beside `node_modules`. */
const COPIED = ['lib', 'sample-app', 'test', 'scripts', 'bench', 'dashboard', 'docs', 'website', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'vitest.config.mts', 'nest-cli.json', 'README.md', 'LICENSE'];
const ON_SERVERS = ['contract', 'integration', 'faults'];
/** Of its output, for whoever wants to know why a mutant lived. */
const SHOWN = 3_000;

ensureNodeVersion();
const root = resolve(import.meta.dirname, '..');
process.exitCode = await main(process.argv.slice(2));

async function main(names) {
  const unknown = names.filter((name) => MUTANTS.every((mutant) => mutant.name !== name));
  if (unknown.length > 0) {
    console.error(`There is no mutant ${unknown.join(', ')}. There are: ${MUTANTS.map(({ name }) => name).join(', ')}.`);
    return 2;
  }
  const selected = MUTANTS.filter(({ name }) => names.length === 0 || names.includes(name));
  const installed = await ensureInstalled(root);
  if (installed !== 0) return installed;
  if (selected.some(({ project }) => ON_SERVERS.includes(project)) && !await ensureRabbitMq()) return 1;
  const folder = mkdtempSync(join(tmpdir(), 'dispatcher-mutants-'));
  const run = new TestRun();
  try {
    copyTo(folder);
    console.log('| mutant | what it breaks | noticed by |\n|---|---|---|');
    const lived = selected.filter((mutant) => !isNoticed(folder, mutant, run.env(folder)));
    console.log(`\n${selected.length - lived.length} of ${selected.length} noticed${lived.length === 0 ? '' : `; alive: ${lived.map(({ name }) => name).join(', ')}`}`);
    return lived.length === 0 ? 0 : 1;
  } finally {
    for (const leftover of run.cleanUp()) console.error(`left behind: ${leftover}`);
    rmSync(folder, { recursive: true, force: true });
  }
}

function copyTo(folder) {
  for (const name of COPIED) cpSync(join(root, name), join(folder, name), { recursive: true, filter: (path) => !path.includes('node_modules') });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
}

/** Breaks it, runs the tests, mends it. Whatever does not compile, or finds no test, is no mutant. */
function isNoticed(folder, { name, promise, file, from, to, project, tests }, env) {
  const path = join(folder, file);
  const sound = readFileSync(path, 'utf8');
  writeFileSync(path, sound.replace(from, () => to));
  try {
    // Only they start processes of the library as it is built.
    const built = project === 'faults' ? spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], { cwd: folder, encoding: 'utf8' }) : { status: 0 };
    const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', project, '--retry', '0', '--bail', '1', '--reporter', 'json', ...tests];
    const { stdout = '', stderr = '' } = built.status === 0 ? spawnSync(process.execPath, args, { cwd: folder, env: { ...env, DISPATCHER_TEST_BUILT: '1' }, encoding: 'utf8', maxBuffer: 1 << 28 }) : {};
    const failure = firstFailure(stdout, folder);
    console.log(`| \`${name}\` | ${promise} | ${failure ?? '**nobody**'} |`);
    if (failure === undefined) console.error(built.status === 0 ? `${stdout.slice(-SHOWN)}\n${stderr.slice(-SHOWN)}` : `It does not compile: ${built.stdout}`);
    return failure !== undefined;
  } finally {
    writeFileSync(path, sound);
  }
}

/** @returns file and title of the first test that failed by an assertion or an error; `undefined` where none did */
function firstFailure(stdout, folder) {
  const start = stdout.indexOf('{"');
  if (start === -1) return undefined;
  const { testResults } = JSON.parse(stdout.slice(start));
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (failed !== undefined) return `\`${name.slice(folder.length + 1)}\`: ${failed.fullName.replaceAll('|', '\\|')}`;
  }
  return undefined;
}

/**
 * `npm test`: everything that CI does, on a machine that has nothing but Node.
 * `npm test -- unit` runs the unit tests alone, in seconds, without any server;
 * `npm test -- contract test/contract/amqp.test.ts` one file of one project; `npm test -- changed` what a change concerns.
 * See docs/testing.md.
 */
import { resolve } from 'node:path';
import { ensurePackagesBeside } from './packages-beside.mjs';
import { changedTests } from './changed-tests.mjs';
import { ensureChromium } from './ensure-chromium.mjs';
import { ensureInstalled } from './ensure-installed.mjs';
import { ensureNodeVersion } from './ensure-node-version.mjs';
import { ensureRabbitMq } from './ensure-rabbitmq.mjs';
import { ensureResultServers } from './ensure-result-servers.mjs';
import { ensureTlc } from './ensure-tlc.mjs';
import { findRabbitMq } from './find-rabbitmq.mjs';
import { runCommand } from './run-command.mjs';
import { runVitest } from './run-vitest.mjs';
import { recordDurations } from './test-durations.mjs';
import { TestRun } from './test-leftovers.mjs';

const PROJECTS = ['unit', 'contract', 'integration', 'faults', 'browser', 'package'];
const CHANGED = 'changed';
const SINCE = '--since=';
const NEED_RABBITMQ = ['contract', 'integration', 'faults'];
const NEED_CHROMIUM = ['browser'];
const NEED_RESULT_SERVERS = ['contract', 'integration', 'faults'];

ensureNodeVersion();
const root = resolve(import.meta.dirname, '..');
process.exitCode = await main(process.argv.slice(2));

async function main(args) {
  const installed = await ensureInstalled(root);
  if (installed !== 0) return installed;
  const named = PROJECTS.filter((project) => args.includes(project));
  const selected = args.includes(CHANGED) ? selectChanged(named, args) : { projects: named.length === 0 ? PROJECTS : named, filters: args.filter((arg) => !PROJECTS.includes(arg)) };
  const projects = await withRabbitMq(selected.projects);
  if (projects === undefined) return 1;
  if (projects.some((project) => NEED_RESULT_SERVERS.includes(project))) await ensureResultServers();
  if (projects.includes('unit')) await ensureTlc();
  // Fetched or compiled, which takes a minute the first time: beside the build.
  const beside = projects.some((project) => NEED_RESULT_SERVERS.includes(project)) ? ensurePackagesBeside(root) : undefined;
  if (projects.some((project) => NEED_CHROMIUM.includes(project))) await ensureChromium();
  const run = new TestRun();
  const failures = [];
  let outcome = { passed: 0, skipped: [], failures: [] };
  try {
    const env = run.env(root);
    // Whoever narrows wants an answer in seconds; the test files build for themselves what they need.
    if (args.length > 0) {
      await beside;
      outcome = await runVitest({ root, env, run }, projects, selected.filters);
    } else {
      // Meanwhile: what builds keeps one processor busy for a part of its time, and the tests wait more than they compute.
      const linting = lint(env);
      failures.push(...await build(env));
      await beside;
      outcome = await runVitest({ root, env: { ...env, DISPATCHER_TEST_BUILT: '1' }, run }, projects, selected.filters);
      failures.push(...await linting);
      if (process.env.DISPATCHER_TEST_DURATIONS === 'record') recordDurations(root, outcome.durations);
    }
  } finally {
    failures.push(...outcome.failures, ...run.cleanUp().map((leftover) => `left behind: ${leftover}`));
  }
  return conclude(outcome, failures);
}

/** The unit tests, and of the named projects (by default of all that run from the sources) the files that a change concerns. */
function selectChanged(named, args) {
  const { base, changed, tests, all } = changedTests(root, named.length === 0 ? [...NEED_RABBITMQ, ...NEED_CHROMIUM] : named.filter((project) => project !== 'unit'), args.find((arg) => arg.startsWith(SINCE))?.slice(SINCE.length));
  console.error(`${changed.length} files were changed since ${base}; ${tests.length} of ${all} test files beside the unit tests need one of them.`);
  const others = PROJECTS.filter((project) => project !== 'unit' && tests.some((test) => test.startsWith(`test/${project}/`)));
  return { projects: ['unit', ...others], filters: ['test/unit/', ...tests, ...args.filter((arg) => arg !== CHANGED && !arg.startsWith(SINCE) && !PROJECTS.includes(arg))] };
}

/** The projects that can run here: undefined when the tests cannot run at all. */
async function withRabbitMq(projects) {
  if (!projects.some((project) => NEED_RABBITMQ.includes(project))) return projects;
  if (!process.env.DISPATCHER_AMQP_CON) return await ensureRabbitMq() ? projects : undefined;
  if (findRabbitMq() !== undefined || !projects.includes('faults')) return projects;
  console.error('Leaving out the project "faults": it kills servers, so it needs a RabbitMQ installed here, not the one of DISPATCHER_AMQP_CON.');
  return projects.filter((project) => project !== 'faults');
}

/** The library first, which empties the folder that the others write into. */
async function build(env) {
  const library = await steps(env, [['build', ['nest', 'build']]]);
  const rest = await Promise.all([
    // The type check of everything, tests included; what it emits is what child processes of tests run.
    steps(env, [['type check', ['tsgo', '-p', 'tsconfig.json']]]),
    steps(env, [
      ['build of the page', ['vite', 'build', '--logLevel', 'warn', '--config', 'dashboard/vite.config.mts']],
      ['type check of the page', ['tsgo', '-p', 'dashboard/tsconfig.json']],
    ]),
  ]);
  return [...library, ...rest.flat()];
}

/** One after the other. @returns what went wrong */
async function steps(env, commands) {
  const failures = [];
  for (const [title, command] of commands) {
    console.error(`\n${title} ...`);
    const code = await runCommand('npx', ['--no-install', ...command], { cwd: root, env });
    if (code !== 0) failures.push(`${title}: exit code ${code}, its own words are above`);
  }
  return failures;
}

/** It says nothing where all is well. */
async function lint(env) {
  const code = await runCommand('npm', ['run', '--silent', 'lint'], { cwd: root, env });
  return code === 0 ? [] : [`lint: exit code ${code}, its own words are above`];
}

function conclude({ passed, skipped }, failures) {
  console.log('');
  for (const failure of failures) console.log(`FAILED  ${failure}`);
  if (skipped.length > 0) console.log(`${skipped.length} skipped, because this machine lacks what they need; each says so above`);
  console.log(`${passed} passed, ${failures.length} failed`);
  return failures.length === 0 ? 0 : 1;
}

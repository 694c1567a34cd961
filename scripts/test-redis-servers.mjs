/**
 * `npm run test:redis-servers`: what needs Redis, on each version of Redis and Valkey that we support.
 * `npm run test:redis-servers -- valkey-9 faults` runs a part; whatever else is given goes to vitest (a file, `-t`).
 * See docs/testing.md.
 */
import { resolve } from 'node:path';
import { compileAll } from './compile-all.mjs';
import { ensureInstalled } from './ensure-installed.mjs';
import { ensureNodeVersion } from './ensure-node-version.mjs';
import { ensureRedisServer, REDIS_SERVERS } from './redis-servers.mjs';
import { runVitest } from './run-vitest.mjs';
import { TestRun } from './test-leftovers.mjs';
import { isAllPassed } from './test-servers-table.mjs';

const SUITES = {
  contract: ['test/contract/redis.test.ts', 'test/contract/results-redis.test.ts'],
  faults: ['test/faults/redis-kill.test.ts', 'test/faults/redis-failover.test.ts', 'test/faults/redis-trouble.test.ts'],
};
const SUITE_LIMIT_MS = 1_800_000;

ensureNodeVersion();
const root = resolve(import.meta.dirname, '..');
process.exitCode = await main(process.argv.slice(2));

async function main(args) {
  const choose = (all) => { const named = all.filter((each) => args.includes(each)); return named.length === 0 ? all : named; };
  const names = choose(REDIS_SERVERS.map(({ name }) => name));
  const suites = choose(Object.keys(SUITES));
  const rest = args.filter((arg) => ![...names, ...suites].includes(arg));
  const installed = await ensureInstalled(root);
  if (installed !== 0) return installed;
  const built = await compileAll(root);
  if (built !== 0) return built;
  const cells = [];
  for (const server of REDIS_SERVERS.filter(({ name }) => names.includes(name))) {
    const found = await ensureRedisServer(server);
    for (const suite of suites) cells.push(await runSuite(found, suite, { server: found.exact ?? server.name, type: '', suite, commit: '' }, rest));
  }
  console.log(`\n${table(cells, suites)}`);
  return isAllPassed(cells) ? 0 : 1;
}

async function runSuite(found, suite, cell, rest) {
  if (found.missing !== undefined) return { ...cell, missing: found.missing };
  console.error(`\n=== ${cell.server}: ${suite} ===`);
  const run = new TestRun();
  const env = { ...run.env(root), DISPATCHER_TEST_BUILT: '1', DISPATCHER_TEST_REDIS_SERVER: found.program };
  const files = rest.some((arg) => arg.includes('.test.ts')) ? [] : SUITES[suite];
  const startedAt = performance.now();
  let leftovers = [];
  let outcome;
  try {
    outcome = await runVitest({ root, env, run, timeoutMs: SUITE_LIMIT_MS }, [suite], [...files, ...rest]);
  } finally {
    leftovers = run.cleanUp().map((leftover) => `left behind: ${leftover}`);
  }
  return { ...cell, ...outcome, failures: [...outcome.failures, ...leftovers], seconds: (performance.now() - startedAt) / 1000 };
}

function table(cells, suites) {
  const servers = [...new Set(cells.map(({ server }) => server))];
  const line = (server) => `| ${server} | ${suites.map((suite) => text(cells.find((cell) => cell.server === server && cell.suite === suite))).join(' | ')} |`;
  const details = cells.flatMap(({ server, suite, failures = [], retried = [] }) => [
    ...failures.map((failure) => `- ${server} ${suite}: failed: ${failure}`), ...retried.map((name) => `- ${server} ${suite}: passed at the second try: ${name}`)]);
  return [`| server | ${suites.join(' | ')} |`, `|---|${'---|'.repeat(suites.length)}`, ...servers.map(line), ...details].join('\n');
}

function text({ missing, failures, passed, skipped }) {
  if (missing !== undefined) return `not run: ${missing}`;
  return `${failures.length > 0 ? `**${failures.length} failed**, ` : ''}${passed} passed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/**
 * `npm run test:servers`: the tests that need RabbitMQ, on each version that we support and with each default queue
 * type. `npm run test:servers -- 4.3 quorum faults` runs a part; whatever else is given goes to vitest (a file, `-t`).
 * See docs/testing.md.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { buildPage } from './build-page.mjs';
import { compileAll } from './compile-all.mjs';
import { ensureInstalled } from './ensure-installed.mjs';
import { ensureNodeVersion } from './ensure-node-version.mjs';
import { ensureRabbitMq } from './ensure-rabbitmq.mjs';
import { ImportGraph } from './import-graph.mjs';
import { ensureServer, RABBITMQ_SERVERS } from './rabbitmq-servers.mjs';
import { runVitest } from './run-vitest.mjs';
import { TestRun } from './test-leftovers.mjs';
import { isAllPassed, serversTable } from './test-servers-table.mjs';

const TYPES = ['classic', 'quorum'];
const SUITES = ['contract', 'integration', 'faults'];
/** What a test needs that starts RabbitMQ, or uses the one that all share. */
const STARTS_RABBITMQ = 'test/support/rabbitmq.ts';
/** What tests say in their names that run on the embedded broker, which is the same beside every server. */
const WITHOUT_RABBITMQ = 'embedded';
/** Far more than the longest suite takes. */
const SUITE_LIMIT_MS = 5_400_000;
const STOPPED = 130;
/** Marks a commit whose files have been changed since. */
const CHANGED = '-changed';

ensureNodeVersion();
const root = resolve(import.meta.dirname, '..');
const resultFile = join(root, 'node_modules/.cache/nestjs-dispatcher/test-servers.json');
const tableFile = join(root, 'node_modules/.cache/nestjs-dispatcher/test-servers.md');
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { stopped = true; });
process.exitCode = await main(process.argv.slice(2));

async function main(args) {
  const choose = (all) => { const named = all.filter((each) => args.includes(each)); return named.length === 0 ? all : named; };
  const versions = choose(RABBITMQ_SERVERS.map(({ version }) => version));
  const [types, suites] = [choose(TYPES), choose(SUITES)];
  const rest = args.filter((arg) => ![...versions, ...types, ...suites].includes(arg));
  const problem = await prepare();
  if (problem !== 0) return problem;
  const cells = [];
  for (const server of RABBITMQ_SERVERS.filter(({ version }) => versions.includes(version))) {
    const found = await ensureServer(server);
    for (const type of types) {
      for (const suite of suites) {
        const cell = await runSuite(found, { server: found.exact ?? server.version, type, suite, commit: commit() }, rest);
        if (stopped) return STOPPED;
        cells.push(cell);
        if (rest.length === 0) keep(cells);
      }
    }
  }
  console.log(`\n${rest.length > 0 ? serversTable(cells, SUITES) : readFileSync(tableFile, 'utf8')}`);
  if (rest.length === 0) console.log(`The same is in ${tableFile}`);
  return isAllPassed(cells) ? 0 : 1;
}

/** What all of them need, once: the dependencies, this machine's own server, and what tests run as processes of their own. */
async function prepare() {
  const installed = await ensureInstalled(root);
  if (installed !== 0) return installed;
  if (!await ensureRabbitMq()) return 1;
  const built = await compileAll(root);
  // The sample application does not start without it.
  return built || buildPage(root);
}

async function runSuite(found, cell, rest) {
  if (found.missing !== undefined) return { ...cell, missing: found.missing };
  console.error(`\n=== RabbitMQ ${cell.server}, default queue type ${cell.type}: ${cell.suite} ===`);
  const run = new TestRun();
  const env = {
    ...run.env(root), DISPATCHER_AMQP_CON: '', DISPATCHER_TEST_BUILT: '1',
    DISPATCHER_TEST_RABBITMQ_ROOT: found.root, DISPATCHER_TEST_QUEUE_TYPE: cell.type,
  };
  const files = rest.some((arg) => arg.includes('.test.ts')) ? [] : filesOf(cell.suite);
  const names = rest.includes('-t') ? [] : ['-t', `^((?!${WITHOUT_RABBITMQ}).)*$`];
  const startedAt = performance.now();
  let leftovers = [];
  let outcome;
  try {
    outcome = await runVitest({ root, env, run, timeoutMs: SUITE_LIMIT_MS }, [cell.suite], [...files, ...names, ...rest]);
  } finally {
    leftovers = run.cleanUp().map((leftover) => `left behind: ${leftover}`);
  }
  const { passed, skipped, failures, retried } = outcome;
  return { ...cell, passed, skipped: skipped.filter((name) => !name.includes(WITHOUT_RABBITMQ)).length, failures: [...failures, ...leftovers], retried, seconds: (performance.now() - startedAt) / 1000 };
}

function filesOf(suite) {
  const graph = new ImportGraph(root);
  return graph.files.filter((file) => file.startsWith(`test/${suite}/`) && file.endsWith('.test.ts') && graph.reach(file).has(STARTS_RABBITMQ));
}

/** So that the whole can be run in parts: the table has every suite as it was run whole last, and says at which commit where that was another. */
function keep(cells) {
  const isNew = ({ server, type, suite }) => cells.some((cell) => server === cell.server && type === cell.type && suite === cell.suite);
  const all = [...kept().filter((cell) => !isNew(cell)), ...cells];
  mkdirSync(dirname(resultFile), { recursive: true });
  writeFileSync(resultFile, JSON.stringify(all, undefined, 1));
  writeFileSync(tableFile, serversTable(all, SUITES));
}

function kept() {
  try {
    return JSON.parse(readFileSync(resultFile, 'utf8'));
  } catch {
    return [];
  }
}

/** With a mark where the files are not those of the commit. */
function commit() {
  return execFileSync('git', ['describe', '--always', `--dirty=${CHANGED}`, '--abbrev=12'], { cwd: root, encoding: 'utf8' }).trim();
}

/**
 * `npm run test:endurance -- --minutes 10 [--server 4.3] [--queue-type quorum] [--seed 1]`: kills, deploys, pauses, cut
 * connections and restarts of the server at random, then the account of every task. Without `--server` and `--queue-type`
 * each of the six. See docs/testing.md.
 */
import { cpSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compileAll } from './compile-all.mjs';
import { ensureInstalled } from './ensure-installed.mjs';
import { ensureNodeVersion } from './ensure-node-version.mjs';
import { ensureRabbitMq } from './ensure-rabbitmq.mjs';
import { ensureServer, RABBITMQ_SERVERS } from './rabbitmq-servers.mjs';
import { runCommand } from './run-command.mjs';
import { TestRun } from './test-leftovers.mjs';

const TYPES = ['classic', 'quorum'];
const HEAD = ['RabbitMQ', 'queue', 'minutes', 'accepted', 'started', 'finished', 'dead: failed', 'dead: crash-loop', 'ran twice', 'lost', 'charged wrongly', 'seed'];

ensureNodeVersion();
const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, server: { type: 'string' }, 'queue-type': { type: 'string' }, seed: { type: 'string' } } });
process.exitCode = await main();

async function main() {
  const servers = RABBITMQ_SERVERS.filter(({ version }) => [undefined, version].includes(values.server));
  const types = TYPES.filter((type) => [undefined, type].includes(values['queue-type']));
  if (servers.length === 0 || types.length === 0 || !(Number(values.minutes) > 0)) {
    console.error(`--server is one of ${RABBITMQ_SERVERS.map(({ version }) => version).join(', ')}; --queue-type one of ${TYPES.join(', ')}; --minutes a number.`);
    return 2;
  }
  const installed = await ensureInstalled(root);
  if (installed !== 0) return installed;
  if (!await ensureRabbitMq()) return 1;
  const built = await compileAll(root);
  if (built !== 0) return built;
  // test/support finds these by their place beside it.
  cpSync(resolve(root, 'scripts'), resolve(root, 'dist/scripts'), { recursive: true });
  let failed = 0;
  console.log(`| ${HEAD.join(' | ')} |\n|${'---|'.repeat(HEAD.length)}`);
  for (const server of servers) {
    for (const type of types) failed += await runOn(server, type) === 0 ? 0 : 1;
  }
  return failed === 0 ? 0 : 1;
}

/** Its line of the table goes to the standard output, all else to the standard error. */
async function runOn(server, type) {
  const found = await ensureServer(server);
  if (found.missing !== undefined) {
    console.error(`RabbitMQ ${server.version} was not run: ${found.missing}`);
    return 1;
  }
  const run = new TestRun();
  const env = { ...run.env(root), DISPATCHER_TEST_RABBITMQ_ROOT: found.root, DISPATCHER_TEST_QUEUE_TYPE: type };
  const args = ['--minutes', values.minutes, '--queue-type', type, '--name', found.exact, ...values.seed === undefined ? [] : ['--seed', values.seed]];
  try {
    return await runCommand(process.execPath, [resolve(root, 'dist/test/endurance/run.js'), ...args], { cwd: root, env, shell: false });
  } finally {
    for (const leftover of run.cleanUp()) console.error(`left behind: ${leftover}`);
  }
}

/*
 * What an open dashboard costs, and how fast it is: many small worker processes, many waiting tasks. In turns some seconds
 * with an open page and some without, so that both have the same machine.
 */
import { parseArgs } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';
import type { Scenario } from './driver/definition.js';
import { SystemProcess } from './driver/system-process.js';
import { costOfLook, type CpuMs, cpuSoFar } from './page/cpu.js';
import { OpenPage } from './page/open-page.js';
import { percentile, type Phase, phaseOf } from './page/phases.js';
import { plain } from './report/markdown.js';
import { median, spread } from './report/statistics.js';
import { type RabbitServer, startRabbit } from './servers/rabbitmq.js';
import { defaults, formatSettings, queueNames, type Settings } from './system/settings.js';
import { systems } from './systems.js';
import { itemAt, present } from '../test/support/present.js';

const PREFIX = 'bench.page';
const LIMIT_PER_QUEUE = 10;
const READY_LIMIT_MS = 300_000;
const WARM_UP_MS = 2_000;
const IDLE_MS = 20_000;
const FORGOTTEN_MS = 40_000;
const LONGEST_PHASE_SECONDS = 20;
const SHORTEST_PHASE_SECONDS = 1;
/** Of what waits, so much may be worked off: the last phase is to have a backlog too. */
const USED_SHARE = 0.8;
const DISTURBED_ABOVE = 0.1;

const USAGE = `npm run bench:page -- [options]
  --processes n   worker processes (default 50)
  --waiting n     tasks that wait when it begins (default 500000; 1000000 is what is promised of)
  --pairs n       phases with an open page, and as many without (default 2)
  --help`;

interface Options { readonly processes: number; readonly waiting: number; readonly pairs: number }

async function main(args: string[]): Promise<void> {
  const options = optionsOf(args);
  if (options === undefined) return console.log(USAGE);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const server = await startRabbit();
  try {
    await run(server, options);
  } finally {
    await server.stop();
  }
}

async function run(server: RabbitServer, { processes, waiting, pairs }: Options): Promise<void> {
  const queues = queueNames({ ...defaults, prefix: PREFIX });
  const depth = async (): Promise<number> => present(await server.ready(PREFIX, defaults.queues), 'the queues');
  console.log(`${waiting.toLocaleString('en')} tasks are published, and ${processes} processes started ...`);
  await fill(server.url, waiting);
  const workers: SystemProcess[] = [];
  // A few at a time: starting is the hardest work of a process.
  for (let at = 0; at < processes; at += 5) {
    const some = Array.from({ length: Math.min(5, processes - at) }, () => start('dispatcher', server.url, { role: 'consume', limit: LIMIT_PER_QUEUE, count: Number.MAX_SAFE_INTEGER - 1, warmup: 0 }));
    await Promise.all(some.map((worker) => worker.wait('ready', READY_LIMIT_MS)));
    workers.push(...some);
  }
  const page = await OpenPage.start(server.url, PREFIX, queues);
  try {
    const seen = await page.processes();
    if (seen !== processes + 1) throw new Error(`The page sees ${seen} processes; ${processes} and its own are there.`);
    const { looks: idle, cost } = await idleLooks(page, new Set(workers.map(({ pid }) => pid)));
    console.log(`  a look costs ${cost.workers.toFixed(1)} ms of CPU in all workers together, ${cost.page.toFixed(1)} ms in the process of the page, ${cost.broker.toFixed(1)} ms in the broker`);
    for (const worker of workers) worker.say('go');
    await pause(WARM_UP_MS);
    report({ processes, waiting, pairs }, idle, await phases(page, depth, pairs));
  } finally {
    await page.end();
    for (const worker of workers) worker.kill();
  }
}

async function phases(page: OpenPage, depth: () => Promise<number>, pairs: number): Promise<Phase[]> {
  const { rate } = await phaseOf(false, SHORTEST_PHASE_SECONDS, page, depth);
  const left = await depth();
  const seconds = Math.min(LONGEST_PHASE_SECONDS, left * USED_SHARE / Math.max(1, rate) / (2 * pairs));
  if (seconds < SHORTEST_PHASE_SECONDS) throw new Error(`${left} tasks are left, of which ${Math.round(rate)} a second are worked off: too few for ${2 * pairs} phases. Give more with --waiting, or fewer --pairs.`);
  const found: Phase[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    // Whatever changes with time, changes for both.
    for (const isOpen of pair % 2 === 0 ? [false, true] : [true, false]) {
      const phase = await phaseOf(isOpen, seconds, page, depth);
      found.push(phase);
      console.log(`  ${pair + 1} ${isOpen ? 'with a page   ' : 'without a page'} ${Math.round(phase.rate).toLocaleString('en').padStart(8)} tasks/s${isOpen ? `  ${looksText(phase.looks)}` : ''}${phase.others > DISTURBED_ABOVE ? `  disturbed: others used ${phase.others.toFixed(2)} cores` : ''}`);
    }
  }
  return found;
}

/** Everything waits, and nobody works. */
async function idleLooks(page: OpenPage, workers: ReadonlySet<number>): Promise<{ looks: number[]; cost: CpuMs }> {
  // Whoever was asked goes on being asked, and measuring itself, for half a minute.
  await pause(FORGOTTEN_MS);
  const before = cpuSoFar(workers);
  await pause(IDLE_MS);
  const between = cpuSoFar(workers);
  page.open();
  await pause(IDLE_MS);
  page.close();
  return { looks: [...page.looks], cost: costOfLook(before, between, cpuSoFar(workers), page.looks.length) };
}

function report({ processes, waiting, pairs }: Options, idle: readonly number[], found: readonly Phase[]): void {
  const rates = (isOpen: boolean): number[] => found.filter((phase) => phase.isOpen === isOpen).map(({ rate }) => rate);
  const ratios = rates(true).map((rate, pair) => rate / itemAt(rates(false), pair));
  const scenario: Scenario = { name: 'page', title: `An open dashboard, ${processes} worker processes, ${waiting.toLocaleString('en')} tasks waiting`, kind: 'consume', needs: [], settings: {} };
  console.log(plain({ scenario, head: ['', 'p50 ms', 'p99 ms', 'looks'], rows: [['overview, nothing runs', ...latencies(idle)], ['overview, all work', ...latencies(found.flatMap(({ looks }) => looks))]] }));
  console.log(plain({
    scenario: { ...scenario, title: 'Throughput of all workers together' }, head: ['', 'tasks/s', 'spread'],
    rows: [['without a page', ...rateCells(rates(false))], ['with an open page', ...rateCells(rates(true))], ['ratio', median(ratios).toFixed(3), `± ${(spread(ratios) * 100).toFixed(1)} %`]],
  }));
  console.log(`\n${found.filter(({ others }) => others <= DISTURBED_ABOVE).length} of ${2 * pairs} phases were undisturbed.`);
}

function latencies(looks: readonly number[]): string[] {
  return [percentile(looks, 0.5), percentile(looks, 0.99)].map((ms) => (ms === undefined ? '-' : ms.toFixed(0))).concat(String(looks.length));
}

function looksText(looks: readonly number[]): string {
  const [p50, p99, count] = latencies(looks);
  return `overview p50 ${p50} p99 ${p99} ms of ${count}`;
}

function rateCells(rates: readonly number[]): string[] {
  return [Math.round(median(rates)).toLocaleString('en'), `± ${(spread(rates) * 100).toFixed(0)} %`];
}

async function fill(url: string, count: number): Promise<void> {
  const filler = start('dispatcher', url, { role: 'publish', count, warmup: 0 });
  await filler.wait('ready', READY_LIMIT_MS);
  filler.say('go');
  await filler.wait('done', READY_LIMIT_MS + count);
  await filler.quit();
}

function start(name: string, server: string, changes: Partial<Settings>): SystemProcess {
  const { command } = present(systems.find((system) => system.name === name), name);
  return new SystemProcess(name, [...command, ...formatSettings({ ...defaults, server, prefix: PREFIX, ...changes })]);
}

function optionsOf(args: string[]): Options | undefined {
  const { values } = parseArgs({ args, options: { processes: { type: 'string' }, waiting: { type: 'string' }, pairs: { type: 'string' }, help: { type: 'boolean', default: false } } });
  const positive = (name: 'processes' | 'waiting' | 'pairs', otherwise: number): number => {
    const value = values[name] === undefined ? otherwise : Number(values[name]);
    if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number of at least 1; found "${values[name]}".`);
    return value;
  };
  return values.help ? undefined : { processes: positive('processes', 50), waiting: positive('waiting', 500_000), pairs: positive('pairs', 2) };
}

main(process.argv.slice(2)).then(() => process.exit(process.exitCode ?? 0), (error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});

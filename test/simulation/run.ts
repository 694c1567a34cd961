import { createWriteStream } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Part, Without } from './scenario.js';
import { shrink } from './shrink.js';
import { simulate } from './simulate.js';
import type { Outcome } from './simulation.js';
import { realNow } from './take-over.js';

/** `run.js --seed 1 --steps 1000000`: see docs/testing.md. */

const REPORT_EVERY_STEPS = 100_000;
const TAIL_LINES = 60;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' }, steps: { type: 'string' }, seeds: { type: 'string' }, trace: { type: 'string' }, 'no-shrink': { type: 'boolean', default: false },
    without: { type: 'string' }, processes: { type: 'string' }, works: { type: 'string' }, until: { type: 'string' },
  },
});

/** What the command leaves out. */
function asked(): Without {
  const { without, processes, works, until } = values;
  return {
    ...without === undefined ? {} : { parts: without.split(',') as Part[] }, ...processes === undefined ? {} : { processes: Number(processes) },
    ...works === undefined ? {} : { works: Number(works) }, ...until === undefined ? {} : { steps: Number(until) },
  };
}

function commandOf(seed: number, { parts, processes, works, steps }: Without): string {
  const option = (name: string, value: string | number | undefined): string => (value === undefined ? '' : ` --${name} ${value}`);
  return `npm run simulate -- --seed ${seed}${option('without', parts?.join(','))}${option('processes', processes)}${option('works', works)}${option('until', steps)}`;
}

async function explain(outcome: Outcome): Promise<void> {
  console.log(`\nSeed ${outcome.seed} breaks a promise at step ${outcome.steps} (${outcome.fingerprint}):\n  ${outcome.violation?.message}\n`);
  const { without, outcome: least, tries } = values['no-shrink'] ? { without: asked(), outcome, tries: 0 } : await shrink(outcome);
  if (tries > 0) console.log(`What is left of it after ${tries} tries: ${least.steps} steps (${least.fingerprint}):\n  ${least.violation?.message}\n`);
  console.log(`${least.lines.slice(-TAIL_LINES).join('\n')}\n\nAgain, whole: ${commandOf(outcome.seed, asked())}\nShrunk:       ${commandOf(outcome.seed, without)} --no-shrink --trace trace.txt`);
}

async function main(): Promise<number> {
  const [first, without, since] = [Number(values.seed), asked(), realNow()];
  const most = { steps: Number(values.steps ?? (values.seeds === undefined ? 1 : Infinity)), seeds: Number(values.seeds ?? Infinity) };
  const trace = values.trace === undefined ? undefined : createWriteStream(values.trace);
  const counts: Record<string, number> = {};
  let [steps, seeds] = [0, 0];
  for (; steps < most.steps && seeds < most.seeds; seeds++) {
    const outcome = await simulate(first + seeds, without, {}, (line) => trace?.write(`${line}\n`));
    if (Math.floor((steps + outcome.steps) / REPORT_EVERY_STEPS) > Math.floor(steps / REPORT_EVERY_STEPS)) console.error(`${steps + outcome.steps} steps, seed ${outcome.seed}`);
    steps += outcome.steps;
    for (const [what, count] of Object.entries(outcome.counts)) counts[what] = (counts[what] ?? 0) + count;
    if (outcome.violation !== undefined) {
      await explain(outcome);
      return 1;
    }
  }
  console.log(Object.entries(counts).sort().map(([what, count]) => `${what}: ${count}`).join('\n'));
  console.log(`\n${steps} steps of ${seeds} seeds from ${first} on, none of which broke a promise; ${Math.round(steps / (realNow() - since) * 1000)} steps a second.`);
  trace?.end();
  return 0;
}

void main().then((code) => { process.exitCode = code; });

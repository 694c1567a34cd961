import { parseArgs } from 'node:util';
import { ON_REDIS, scenarios } from './scenarios.js';
import { BASELINE, REDIS_BASELINE, systems } from './systems.js';
import type { Plan } from './driver/session.js';

const FULL_TASKS = 100_000;
const PART_TASKS = 20_000;
const QUICK_TASKS = 5_000;
const ALL_RUNS = 2;

export const usage = `npm run bench -- [options]
  --scenario a,b    only these: ${scenarios.map(({ name }) => name).join(' ')}
  --system a,b      only these (and ${BASELINE}, for the ratios): ${systems.map(({ name }) => name).join(' ')}
  --runs n          runs of each system in each scenario (default 3)
  --tasks n         tasks of a run (default ${FULL_TASKS}; ${PART_TASKS} with --scenario or --system)
  --all             everything in about 25 minutes: ${ALL_RUNS} runs of ${PART_TASKS} tasks, minor scenarios once and for few systems
  --redis           systems on the same Redis: ${ON_REDIS.join(' ')}, unless --scenario says otherwise; ratios to ${REDIS_BASELINE}
  --quick           one run of ${QUICK_TASKS} tasks: does everything work?
  --update-docs     write the results into docs/performance.md
  --help`;

export interface Options {
  readonly plan: Plan;
  readonly updateDocs: boolean;
  readonly help: boolean;
}

/** @throws Error which names what is known, for a name or number that is not */
export function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      scenario: { type: 'string', multiple: true },
      system: { type: 'string', multiple: true },
      runs: { type: 'string' },
      tasks: { type: 'string' },
      all: { type: 'boolean', default: false },
      redis: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      'update-docs': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const partial = values.all || values.redis || values.scenario !== undefined || values.system !== undefined;
  const baseline = values.redis ? REDIS_BASELINE : BASELINE;
  const onRedis = systems.filter(({ server }) => server === 'redis');
  const tasks = values.quick ? QUICK_TASKS : partial ? PART_TASKS : FULL_TASKS;
  return {
    plan: {
      scenarios: chosen('scenario', scenarios, values.scenario ?? (values.redis ? ON_REDIS : undefined)),
      systems: chosen('system', values.redis ? onRedis : systems, values.system && [...values.system, baseline]),
      baseline,
      runs: positive('runs', values.runs, values.quick ? 1 : values.all ? ALL_RUNS : 3),
      tasks: positive('tasks', values.tasks, tasks),
      brief: values.all,
    },
    updateDocs: values['update-docs'],
    help: values.help,
  };
}

function chosen<T extends { name: string }>(what: string, known: readonly T[], asked: readonly string[] | undefined): readonly T[] {
  if (asked === undefined) return known;
  const names = asked.flatMap((text) => text.split(','));
  const unknown = names.find((name) => !known.some((one) => one.name === name));
  if (unknown !== undefined) throw new Error(`There is no ${what} "${unknown}". Known: ${known.map(({ name }) => name).join(', ')}.`);
  return known.filter(({ name }) => names.includes(name));
}

function positive(what: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${what} must be a whole number of at least 1; found "${text}".`);
  return value;
}

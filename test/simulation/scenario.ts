import { Random } from '../endurance/random.js';

/** What may go wrong, each as often as its share says. */
export const FAULTS = ['kill', 'close', 'cut-publish', 'cut-consume', 'cut-state', 'alarm', 'broker-down', 'state-down', 'delete-queue'] as const;
export type Fault = (typeof FAULTS)[number];

export const WORK = ['plain', 'delayed', 'limited', 'keyed', 'unique', 'chain', 'group', 'chord'] as const;
export type Work = (typeof WORK)[number];

/** All that a seed decides before the first step; the rest it decides on the way. */
export interface Scenario {
  readonly seed: number;
  readonly processes: number;
  /** Slots of each worker. */
  readonly limit: number;
  readonly type: 'classic' | 'quorum';
  readonly deliveryLimit: number;
  readonly maxRedeliveries: number;
  /** How many steps there are troubles; then all of it has to come to an end. */
  readonly steps: number;
  /** How many publishes. */
  readonly works: number;
  readonly work: Readonly<Record<Work, number>>;
  readonly faults: Readonly<Record<Fault, number>>;
  /** Of the choices between two steps. */
  readonly faultChance: number;
  readonly workChance: number;
  readonly timeChance: number;
  /** Longer than that nothing is on its way. */
  readonly latencyMs: number;
  /** How far the clocks of processes may be from the true time. */
  readonly skewMs: number;
  /** The share of publishes to which the server says no. */
  readonly refusals: number;
  /** What handlers take at most. */
  readonly longestRunMs: number;
  readonly schedules: boolean;
  readonly results: boolean;
  readonly consumerTimeoutSeconds: number;
}

export const PARTS = ['skew', 'refusals', 'schedules', 'results'] as const;
/** What can be left out of a scenario, by its name. */
export type Part = Fault | Work | (typeof PARTS)[number];

/** Parts that are left out, to see whether it breaks without them. */
export interface Without {
  readonly parts?: readonly Part[];
  /** At most so many. */
  readonly processes?: number;
  readonly steps?: number;
  readonly works?: number;
}

/** What this scenario has, and could do without. */
export function partsOf({ work, faults, skewMs, refusals, schedules, results }: Scenario): Part[] {
  const shares = { ...work, ...faults, skew: skewMs, refusals, schedules: Number(schedules), results: Number(results) };
  return (Object.keys(shares) as Part[]).filter((part) => shares[part] > 0 && part !== 'plain');
}

const STEPS = 3_000;

export function scenarioOf(seed: number, without: Without = {}): Scenario {
  const random = new Random(Math.imul(seed, 0x85ebca6b) ^ 0x5bd1e995);
  const share = (most: number): number => (random.next() < 0.4 ? 0 : random.next() * most);
  const shares = <K extends string>(kinds: readonly K[], most: number): Record<K, number> => Object.fromEntries(kinds.map((kind) => [kind, share(most)])) as Record<K, number>;
  const scenario: Scenario = {
    seed, processes: random.between(1, 4), limit: random.between(1, 5), type: random.oneOf(['classic', 'quorum']), deliveryLimit: random.oneOf([20, 100]),
    maxRedeliveries: random.between(2, 10), steps: STEPS, works: random.between(20, 80),
    work: { ...shares(WORK, 1), plain: 0.2 + random.next() }, faults: { ...shares(FAULTS, 1), 'delete-queue': share(0.05) },
    faultChance: random.oneOf([0, 0.002, 0.01, 0.03]), workChance: random.oneOf([0.02, 0.1]), timeChance: random.oneOf([0.01, 0.05, 0.2]),
    latencyMs: random.oneOf([10, 500, 2_000]), skewMs: random.oneOf([0, 0, 5_000, 20_000]), refusals: random.oneOf([0, 0, 0.02]), longestRunMs: random.oneOf([20, 2_000, 15_000]),
    schedules: random.next() < 0.4, results: random.next() < 0.5, consumerTimeoutSeconds: random.oneOf([0, 1800]),
  };
  return reduced(scenario, without);
}

function reduced(scenario: Scenario, { parts = [], processes = Infinity, steps = Infinity, works = Infinity }: Without): Scenario {
  const has = (part: Part): boolean => !parts.includes(part);
  const left = <K extends Part>(shares: Readonly<Record<K, number>>): Record<K, number> => (
    Object.fromEntries(Object.entries<number>(shares).map(([part, share]) => [part, has(part as K) ? share : 0])) as Record<K, number>);
  return {
    ...scenario, work: left(scenario.work), faults: left(scenario.faults),
    skewMs: has('skew') ? scenario.skewMs : 0, refusals: has('refusals') ? scenario.refusals : 0,
    schedules: scenario.schedules && has('schedules'), results: scenario.results && has('results'),
    processes: Math.min(scenario.processes, processes), steps: Math.min(scenario.steps, steps), works: Math.min(scenario.works, works),
  };
}

import type { Scenario } from '../driver/definition.js';
import type { Measurement } from '../driver/measurement.js';
import type { Outcome, Plan } from '../driver/session.js';
import { median, ratio, spread, trusted } from './statistics.js';

export interface Table {
  readonly scenario: Scenario;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** One table for each scenario that was measured. */
export function tables({ scenarios, systems, baseline: compared }: Plan, outcome: Outcome): Table[] {
  return scenarios.flatMap((scenario) => {
    const all = outcome.measurements.filter((one) => one.scenario === scenario.name && one.run > 0);
    if (all.length === 0) return [];
    const baseline = all.filter((one) => one.system === compared);
    const measured = systems.filter((system) => all.some((one) => one.system === system.name));
    const describe = scenario.pace === undefined ? rateRow : latencyRow;
    const more = moreThan(scenario, all);
    const rows = measured.map((system) => {
      const runs = all.filter((one) => one.system === system.name);
      return [system.title, ...describe(runs, baseline), ...more(runs)];
    });
    const head = scenario.pace === undefined ? rateHead(compared) : latencyHead(compared);
    return [{ scenario, head: scenario.moreThan === undefined ? head : [...head, 'us more'], rows }];
  });
}

const rateHead = (compared: string): string[] => ['system', 'tasks/s', 'spread', `of ${compared}`, 'CPU s/100k', 'peak MiB', 'undisturbed'];
const latencyHead = (compared: string): string[] => ['system', 'tasks/s', 'p50 ms', 'p99 ms', 'p99.9 ms', `p50 of ${compared}`, `p99 of ${compared}`, 'undisturbed'];

function rateRow(runs: readonly Measurement[], baseline: readonly Measurement[]): string[] {
  const rates = trusted(runs).map((run) => run.rate);
  return [
    Math.round(median(rates)).toLocaleString('en'),
    `± ${(spread(rates) * 100).toFixed(0)} %`,
    asRatio(ratio(runs, baseline, (run) => run.rate)),
    median(trusted(runs).map((run) => run.cpu)).toFixed(2),
    median(trusted(runs).map((run) => run.memory)).toFixed(0),
    cleanOf(runs),
  ];
}

/** Microseconds of CPU per task beyond what the scenario's plain system needs. */
function moreThan({ moreThan: plain }: Scenario, all: readonly Measurement[]): (runs: readonly Measurement[]) => string[] {
  if (plain === undefined) return () => [];
  const cpuOf = (runs: readonly Measurement[]): number => median(trusted(runs).map((run) => run.cpu));
  const least = all.filter((one) => one.system === plain);
  return (runs) => [least.length === 0 ? '-' : ((cpuOf(runs) - cpuOf(least)) * 10).toFixed(1)];
}

function latencyRow(runs: readonly Measurement[], baseline: readonly Measurement[]): string[] {
  const at = (key: 'p50' | 'p99' | 'p999') => (run: Measurement) => run.latency?.[key] ?? 0;
  return [
    Math.round(median(trusted(runs).map((run) => run.rate))).toLocaleString('en'),
    ...(['p50', 'p99', 'p999'] as const).map((key) => median(trusted(runs).map(at(key))).toFixed(2)),
    asRatio(ratio(runs, baseline, at('p50'))),
    asRatio(ratio(runs, baseline, at('p99'))),
    cleanOf(runs),
  ];
}

function asRatio(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(2);
}

function cleanOf(runs: readonly Measurement[]): string {
  return `${runs.filter((run) => !run.disturbed).length} of ${runs.length}`;
}

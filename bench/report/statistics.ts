import type { Measurement } from '../driver/measurement.js';

/** The runs to judge by: the undisturbed ones, or all where each was disturbed. */
export function trusted(runs: readonly Measurement[]): readonly Measurement[] {
  const clean = runs.filter((run) => !run.disturbed);
  return clean.length > 0 ? clean : runs;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

/** Half of the distance between the extremes, as a share of the median. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / 2 / median(values);
}

/**
 * The median of the ratios of `runs` to `baseline`, each to the baseline's of the same round: what
 * slowed the machine down in one round slowed both. `undefined` where no round has both.
 */
export function ratio(
  runs: readonly Measurement[],
  baseline: readonly Measurement[],
  value: (run: Measurement) => number,
): number | undefined {
  const ratios = trusted(runs).flatMap((run) => {
    const other = baseline.find((one) => one.run === run.run);
    return other === undefined || value(other) === 0 ? [] : [value(run) / value(other)];
  });
  return ratios.length === 0 ? undefined : median(ratios);
}

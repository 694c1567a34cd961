import { setTimeout as pause } from 'node:timers/promises';
import { othersBetween, snapshot } from '../driver/machine.js';
import type { OpenPage } from './open-page.js';

/** Some seconds of work, with an open page or without. */
export interface Phase {
  readonly isOpen: boolean;
  /** Tasks per second. */
  readonly rate: number;
  /** Of each look, in milliseconds. */
  readonly looks: readonly number[];
  /** Cores that others kept busy meanwhile. */
  readonly others: number;
}

/** The page has to be seen, or gone, before what it costs is measured. */
const SETTLE_MS = 500;

/** How many tasks wait is all that is asked of the workers: nothing of theirs is different from what it is anywhere. */
export async function phaseOf(isOpen: boolean, seconds: number, page: OpenPage, waiting: () => Promise<number>): Promise<Phase> {
  if (isOpen) page.open();
  await pause(SETTLE_MS);
  page.looks.length = 0;
  const [before, machine, begun] = [await waiting(), snapshot(), performance.now()];
  await pause(seconds * 1_000);
  const [after, ended] = [await waiting(), performance.now()];
  const others = othersBetween(machine, snapshot());
  page.close();
  return { isOpen, rate: (before - after) / ((ended - begun) / 1_000), looks: [...page.looks], others };
}

/** The value that `share` of them do not exceed. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

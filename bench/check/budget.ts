import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { present } from '../../test/support/present.js';
import { SOURCES } from '../driver/paths.js';

export interface Judged {
  readonly name: string;
  readonly value: number;
  readonly most: number;
  readonly over: boolean;
}

/** Holds each count against `check/budget.json`. @throws Error when one of the two has a name that the other lacks */
export function judge(counts: Readonly<Record<string, number>>): Judged[] {
  const path = join(SOURCES, 'check', 'budget.json');
  const budget = JSON.parse(readFileSync(path, 'utf8')) as Record<string, number>;
  const stray = [...Object.keys(counts), ...Object.keys(budget)].find((name) => !(name in counts && name in budget));
  if (stray !== undefined) throw new Error(`"${stray}" is counted or budgeted, but not both; make ${path} agree with bench/check.ts.`);
  return Object.entries(counts).map(([name, value]) => {
    const most = present(budget[name], `budget of "${name}"`);
    return { name, value, most, over: !(value <= most) };
  });
}

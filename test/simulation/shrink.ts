import { partsOf, scenarioOf, type Without } from './scenario.js';
import { simulate } from './simulate.js';
import type { Outcome, Planted } from './simulation.js';

const MOST_TRIES = 60;

export interface Shrunk {
  readonly without: Without;
  readonly outcome: Outcome;
  readonly tries: number;
}

/**
 * The same seed with ever less of it: fewer kinds of faults and work, fewer processes and publishes, an end of the
 * troubles that comes sooner; whatever still breaks the same promise is kept. Bounded.
 */
export async function shrink(outcome: Outcome, planted: Planted = {}, mostTries = MOST_TRIES): Promise<Shrunk> {
  let best: Shrunk = { without: {}, outcome, tries: 0 };
  let tries = 0;
  const attempt = async (without: Without): Promise<boolean> => {
    if (tries >= mostTries) return false;
    tries++;
    const next = await simulate(outcome.seed, without, planted);
    const isSame = next.violation !== undefined && kindOf(next) === kindOf(outcome);
    if (isSame) best = { without, outcome: next, tries };
    return isSame;
  };
  for (const part of partsOf(scenarioOf(outcome.seed))) await attempt({ ...best.without, parts: [...best.without.parts ?? [], part] });
  for (const option of ['processes', 'works', 'steps'] as const) {
    for (let number = Math.floor(scenarioOf(outcome.seed, best.without)[option] / 2); number >= 1; number = Math.floor(number / 2)) {
      if (!await attempt({ ...best.without, [option]: number })) break;
    }
  }
  return { ...best, tries };
}

/** Which promise it is, whatever the task and the process. */
function kindOf({ violation }: Outcome): string {
  return (violation?.message ?? '').replace(/[0-9a-f]{8}-[0-9a-f-]+|\d+/g, '#').slice(0, 40);
}

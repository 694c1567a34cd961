import { afterEach, describe, expect, it, vi } from 'vitest';
import { Settler } from '../../../lib/worker/settler.js';
import { UniqueGate } from '../../../lib/worker/gates/unique-gate.js';
import { WorkflowGate } from '../../../lib/workflows/workflow-gate.js';
import { TaskEndings } from '../../../lib/worker/task-endings.js';
import { partsOf, scenarioOf } from '../../simulation/scenario.js';
import { shrink } from '../../simulation/shrink.js';
import { simulate } from '../../simulation/simulate.js';
import type { Outcome, Planted } from '../../simulation/simulation.js';

/** How many steps are simulated here, in some half a minute of a processor; `npm run simulate` does more. */
const STEPS = Number(process.env.DISPATCHER_SIMULATION_STEPS ?? 400_000);
const FIRST_SEED = 1;
const LIMIT_MS = 1_800_000;
/** A planted defect has to be found by then. */
const MOST_SEEDS = 40;

afterEach(() => {
  vi.restoreAllMocks();
});

function told({ seed, violation, lines }: Outcome): string {
  return `seed ${seed}: ${violation?.message}\n${lines.slice(-40).join('\n')}\nnpm run simulate -- --seed ${seed}`;
}

async function firstBroken(planted: Planted = {}): Promise<Outcome | undefined> {
  for (let seed = 1; seed <= MOST_SEEDS; seed++) {
    const outcome = await simulate(seed, {}, planted);
    if (outcome.violation !== undefined) return outcome;
  }
  return undefined;
}

describe('a simulation', () => {
  it('is the same whenever its seed is the same', async () => {
    const traceOf = async (seed: number): Promise<{ lines: string[]; fingerprint: string }> => {
      const lines: string[] = [];
      const { fingerprint } = await simulate(seed, {}, {}, (line) => lines.push(line));
      return { lines, fingerprint };
    };
    for (const seed of [1, 2, 3]) {
      const [once, again] = [await traceOf(seed), await traceOf(seed)];
      expect(again.lines).toEqual(once.lines);
      expect(again.fingerprint).toBe(once.fingerprint);
    }
    expect((await traceOf(4)).fingerprint).not.toBe((await traceOf(5)).fingerprint);
  }, LIMIT_MS);

  it(`breaks no promise in ${STEPS} steps`, async () => {
    const happened: Record<string, number> = {};
    for (let [steps, seed] = [0, FIRST_SEED]; steps < STEPS; seed++) {
      const outcome = await simulate(seed);
      if (outcome.violation !== undefined) expect.fail(told(outcome));
      steps += outcome.steps;
      for (const [what, count] of Object.entries(outcome.counts)) happened[what] = (happened[what] ?? 0) + count;
    }
    // What nothing happens in, breaks nothing.
    for (const what of ['run unique', 'run collect', 'run tick', 'workflow.succeeded', 'workflow.failed', 'schedule.fired', 'kill', 'cut-consume', 'broker-down', 'state-down', 'task.retrying', 'task.dead-lettered', 'task.timed-out']) expect(happened[what], what).toBeGreaterThan(0);
  }, LIMIT_MS);
});

describe('a defect that is planted', () => {
  it('is found where a publish does not wait for its confirm', async () => {
    expect((await firstBroken({ confirmsIgnored: true }))?.violation?.message).toMatch(/the broker never had it|is lost/);
  }, LIMIT_MS);

  it('is found where the store writes whatever is there', async () => {
    expect((await firstBroken({ fenceDropped: true }))?.violation?.message).toMatch(/run at the same time|taken again|runs twice|unique key|was given|starts after/);
  }, LIMIT_MS);

  it('is found where a delivery is acknowledged before its dead letter is there', async () => {
    vi.spyOn(Settler.prototype, 'deadLetter').mockResolvedValue(true);
    expect((await firstBroken())?.violation?.message).toMatch(/is lost/);
  }, LIMIT_MS);

  it('is found where a delivery is acknowledged before its next attempt is there', async () => {
    vi.spyOn(Settler.prototype, 'sendAgain').mockResolvedValue(true);
    expect((await firstBroken())?.violation?.message).toMatch(/is lost/);
  }, LIMIT_MS);

  it('is found where what is given back is charged', async () => {
    const { record } = TaskEndings.prototype;
    vi.spyOn(TaskEndings.prototype, 'record').mockImplementation(function charging(this: TaskEndings, run, ending) {
      return record.call(this, run, ending.kind === 'wait' ? { kind: 'retry', attempt: run.attempt + 1, delayMs: ending.delayMs, error: new Error('it had to wait') } : ending);
    });
    expect((await firstBroken())?.violation?.message).toMatch(/is charged attempt/);
  }, LIMIT_MS);

  it('is found where a unique key is freed although its task goes on', async () => {
    const { leave } = UniqueGate.prototype;
    vi.spyOn(UniqueGate.prototype, 'leave').mockImplementation(function freeing(this: UniqueGate, visit, end) {
      return leave.call(this, visit, end.kind === 'retrying' ? { kind: 'succeeded', value: undefined } : end);
    });
    expect((await firstBroken())?.violation?.message).toMatch(/has taken the unique key/);
  }, LIMIT_MS);

  it('is found where a workflow goes on before its step has ended', async () => {
    const { leave } = WorkflowGate.prototype;
    vi.spyOn(WorkflowGate.prototype, 'leave').mockImplementation(function hurrying(this: WorkflowGate, visit, end) {
      return leave.call(this, visit, end.kind === 'retrying' ? { kind: 'succeeded', value: undefined } : end);
    });
    expect((await firstBroken())?.violation?.message).toMatch(/has not succeeded|starts after|was given/);
  }, LIMIT_MS);

  it('is shrunk: what it does not need is left out, and it is the same defect', async () => {
    const outcome = await firstBroken({ confirmsIgnored: true });
    const shrunk = await shrink(outcome!, { confirmsIgnored: true }, 30);
    expect(shrunk.outcome.violation).toBeDefined();
    expect(partsOf(scenarioOf(outcome!.seed, shrunk.without)).length).toBeLessThan(partsOf(scenarioOf(outcome!.seed)).length);
    expect((await simulate(outcome!.seed, shrunk.without, { confirmsIgnored: true })).fingerprint).toBe(shrunk.outcome.fingerprint);
  }, LIMIT_MS);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Task } from '../../../lib/task/task.js';
import { ROOT } from '../../../lib/workflows/paths.js';
import { chain, chord, group, task, type Workflow } from '../../../lib/workflows/workflow.js';
import type { WorkflowState } from '../../../lib/workflows/workflow-state.js';
import { WorkflowStore } from '../../../lib/workflows/workflow-store.js';
import { Meaning } from './expected.js';
import { simulate, type World } from './simulation.js';

/** Returns what it was given, so that every way through a tree can be read off its result. */
const echo = ({ name, args }: Task): unknown => [name, ...args.map(({ value }) => value)];

function failing(names: ReadonlySet<string>): (task: Task) => unknown {
  return (one) => {
    if (names.has(one.name)) throw new Error(one.name);
    return echo(one);
  };
}

/** Nobody dies meanwhile. */
async function calmly<T>(world: World, action: () => Promise<T>): Promise<T> {
  const { left } = world.crashes;
  world.crashes.left = 0;
  const result = await action();
  world.crashes.left = left;
  return result;
}

async function stateOf(world: World, uuid: string): Promise<WorkflowState> {
  return await calmly(world, () => new WorkflowStore(() => Promise.resolve(world.backend), 1e9).state(uuid)) as WorkflowState;
}

const leaf = fc.record({ name: fc.integer({ min: 1, max: 999 }), arg: fc.integer({ min: 0, max: 9 }), immutable: fc.boolean() })
  .map(({ name, arg, immutable }) => (immutable ? task(`t${name}`, arg).immutable() : task(`t${name}`, arg)) as Workflow);

/** Trees of everything in everything. */
const { tree } = fc.letrec<{ tree: Workflow; members: Workflow }>((tie) => {
  const steps = fc.array(tie('tree'), { minLength: 1, maxLength: 3 });
  const withCallbacks = (step: fc.Arbitrary<Workflow>): fc.Arbitrary<Workflow> => fc.tuple(step, fc.constantFrom(0, 0, 0, 1, 2), leaf, leaf)
    .map(([one, kind, first, second]) => (kind === 0 ? one : kind === 1 ? one.onSuccess(first).onError(second) : one.onError(chain(first, second))));
  return {
    members: fc.tuple(steps, fc.constantFrom('fail-fast' as const, 'all-settled' as const), fc.integer({ min: 1, max: 3 }))
      .map(([members, mode, sendConcurrency]) => group(members, { mode, sendConcurrency })),
    tree: fc.oneof({ depthSize: 'small', maxDepth: 4 },
      withCallbacks(leaf),
      withCallbacks(steps.map((list) => chain(...list))),
      withCallbacks(tie('members')),
      withCallbacks(fc.tuple(tie('members'), tie('tree')).map(([members, callback]) => chord(members, callback)))),
  };
});

/** Half of the time groups travel without being part of the plan. */
const mostPlanned = fc.constantFrom(0, 100);

/** The publisher lives here: what becomes of its death is a test of its own. */
async function published(world: World, workflow: Workflow): Promise<string> {
  return (await calmly(world, () => world.workflows.publish(workflow))).uuid;
}

/** Of several members that fail, any may be the first. */
function withoutReasons(outcome: unknown): unknown {
  return JSON.parse(JSON.stringify(outcome).replaceAll(/"Error: t\d+"/g, '"Error"'));
}

describe('any workflow, whoever dies at whatever moment', () => {
  it('starts each step once and comes to the right result', async () => {
    await fc.assert(fc.asyncProperty(tree, fc.nat(), mostPlanned, async (workflow, seed, planned) => {
      const world = simulate(seed, echo, planned);
      world.crashes.share = 0.15;
      world.crashes.left = 60;
      const uuid = await published(world, workflow);
      await world.work(4);
      const meaning = new Meaning(() => false);
      expect((await stateOf(world, uuid)).outcome).toEqual({ kind: 'value', ...meaning.of(workflow.node, ROOT) });
      expect([...world.started.keys()].sort()).toEqual([...meaning.started].sort());
      expect([...world.started.values()].filter((copies) => copies.size !== 1)).toEqual([]);
      expect(world.problems).toEqual([]);
    }), { numRuns: 200 });
  }, 120_000);

  it('fails and succeeds as its parts do, and tells those who are to be told', async () => {
    await fc.assert(fc.asyncProperty(tree, fc.nat(), mostPlanned, fc.integer({ min: 2, max: 7 }), async (workflow, seed, planned, every) => {
      const fails = (name: string): boolean => Number(name.slice(1)) % every === 0;
      const world = simulate(seed, (one) => failing(new Set(fails(one.name) ? [one.name] : []))(one), planned);
      world.crashes.share = 0.15;
      world.crashes.left = 60;
      const uuid = await published(world, workflow);
      await world.work(4);
      const meaning = new Meaning(fails);
      const expected = meaning.of(workflow.node, ROOT);
      const { status, outcome } = await stateOf(world, uuid);
      expect(status).toBe('value' in expected ? 'succeeded' : 'failed');
      if ('value' in expected) expect(withoutReasons(outcome)).toEqual(withoutReasons({ kind: 'value', ...expected }));
      // Where the whole has failed, what had not started by then does not start; nothing else ever runs.
      const extra = [...world.started.keys()].filter((path) => !meaning.started.includes(path) && !/[se]/.test(path));
      expect(extra).toEqual([]);
      if (status === 'succeeded') expect([...world.started.keys()].sort()).toEqual([...meaning.started].sort());
      expect([...world.started.values()].filter((copies) => copies.size !== 1)).toEqual([]);
      expect(world.problems).toEqual([]);
    }), { numRuns: 200 });
  }, 120_000);

  it('goes on from where it stopped once what failed is mended and it is retried', async () => {
    await fc.assert(fc.asyncProperty(tree, fc.nat(), mostPlanned, fc.integer({ min: 2, max: 7 }), async (workflow, seed, planned, every) => {
      const fails = (name: string): boolean => Number(name.slice(1)) % every === 0;
      const world = simulate(seed, (one) => failing(new Set(fails(one.name) ? [one.name] : []))(one), planned);
      world.crashes.share = 0.1;
      world.crashes.left = 20;
      const uuid = await published(world, workflow);
      await world.work(4);
      if ((await stateOf(world, uuid)).status === 'succeeded') return;
      world.handle = echo;
      world.crashes.left = 20;
      // Whoever retries may die as well, and somebody tries again.
      for (let tries = 0; (await stateOf(world, uuid)).status !== 'succeeded'; tries++) {
        expect(tries).toBeLessThan(30);
        await Promise.all([world.dying(() => world.workflows.handle(uuid).retry()).catch(() => undefined), world.work(3)]);
        if (tries === 20) world.crashes.left = 0;
      }
      const { outcome } = await stateOf(world, uuid);
      // All-settled groups keep the failures that they have told already.
      if (!JSON.stringify(workflow.node).includes('all-settled')) expect(outcome).toEqual({ kind: 'value', ...new Meaning(() => false).of(workflow.node, ROOT) });
      expect(world.problems).toEqual([]);
    }), { numRuns: 200 });
  }, 120_000);
});

import type { Entrance, TaskEnd, TaskGate, TaskVisit } from '../worker/gates/task-gate.js';
import type { AsyncTestFunctions } from './async-test-functions.js';
import { rejection } from './state/bench.js';

/** One memory that gates share. @publicApi */
export interface TaskGateUnderTest {
  /** One more gate over this memory, as another process has it. */
  make(): TaskGate;
  /** The first delivery of a task that the gate has to do with, and lets run where it is alone: another task for each number. */
  visit(number: number): TaskVisit;
  /** A task that the gate has nothing to do with. Default: there is none. */
  readonly stranger?: TaskVisit;
  /** Done with it. Default: nothing need be done. */
  close?(): Promise<void>;
}

const ENDS: readonly TaskEnd[] = [
  { kind: 'succeeded', value: 1 }, { kind: 'failed', reason: 'failed', error: new Error('it failed') }, { kind: 'cancelled', reason: 'called off' }, { kind: 'expired' },
  { kind: 'retrying', attempt: 2, delayMs: 10, error: new Error('it failed') }, { kind: 'suspended', delayMs: 10 }, { kind: 'returned' }, { kind: 'dropped' },
];
const AT_ONCE = 20;

/**
 * What every gate has to do, for `gates` of the configuration, as tests for the runner of your choice. What it is there for is
 * for tests of your own.
 *
 * @param open an empty memory each time
 * @publicApi
 */
export function taskGateContract(functions: AsyncTestFunctions, name: string, open: () => Promise<TaskGateUnderTest>): void {
  functions.describe(`the gate ${name}`, () => {
    askedContract(functions, open);
    leftContract(functions, open);
  });
}

function askedContract({ it, expect }: AsyncTestFunctions, open: () => Promise<TaskGateUnderTest>): void {
  it('has a name, and says of each task whether it is its business, without touching it', () => within(open, async (place) => {
    const gate = place.make();
    const visit = deepFrozen(place.visit(1));
    expect([typeof gate.name === 'string' && gate.name !== '', gate.concerns(visit), gate.concerns(visit)]).toEqual([true, true, true]);
    if (place.stranger !== undefined) expect(gate.concerns(deepFrozen(place.stranger))).toBe(false);
  }));
  it('lets a task run that is alone, and says so without touching it', () => within(open, async (place) => {
    expect((await place.make().enter(deepFrozen(place.visit(1)))).kind).toBe('run');
  }));
  it('answers many at once, and what comes again after a process died, with something that can be done', () => within(open, async (place) => {
    const gates = [place.make(), place.make()];
    const visits = Array.from({ length: AT_ONCE }, (_, index) => place.visit(index));
    const first = await Promise.all(visits.map((visit, index) => (gates[index % 2] as TaskGate).enter(visit)));
    // Nobody left: as where both processes were killed.
    const heir = place.make();
    const again = await Promise.all(visits.map((visit) => heir.enter({ ...visit, redelivered: true })));
    for (const entrance of [...first, ...again]) expect(isEntrance(entrance)).toBe(true);
  }));
}

function leftContract({ it, expect }: AsyncTestFunctions, open: () => Promise<TaskGateUnderTest>): void {
  for (const end of ENDS) {
    it(`stands it that a task is "${end.kind}", twice too, and by another process that did not let it in`, () => within(open, async (place) => {
      const [gate, other] = [place.make(), place.make()];
      const visit = place.visit(1);
      await gate.enter(visit);
      for (const each of [gate, gate, other]) expect(await rejection(each.leave(visit, end))).toBe(undefined);
    }));
    it(`stands it that a task is "${end.kind}" that never entered`, () => within(open, async (place) => {
      expect(await rejection(place.make().leave(place.visit(1), end))).toBe(undefined);
    }));
  }
  it('lets the next one run once those before it have ended, whichever process they were in', () => within(open, async (place) => {
    const gates = [place.make(), place.make()];
    for (let number = 0; number < AT_ONCE; number++) {
      const gate = gates[number % 2] as TaskGate;
      const visit = place.visit(number);
      expect((await gate.enter(visit)).kind).toBe('run');
      await gate.leave(visit, { kind: 'succeeded', value: undefined });
    }
  }));
}

async function within(open: () => Promise<TaskGateUnderTest>, use: (place: TaskGateUnderTest) => Promise<void>): Promise<void> {
  const place = await open();
  try {
    await use(place);
  } finally {
    await place.close?.();
  }
}

/** As a worker can act on it. */
function isEntrance(entrance: Entrance): boolean {
  switch (entrance.kind) {
    case 'run': return entrance.args === undefined || Array.isArray(entrance.args);
    case 'wait': return Number.isFinite(entrance.delayMs) && entrance.delayMs >= 0 && entrance.reason !== '';
    case 'drop': case 'cancel': return entrance.reason !== '';
    case 'bury': return entrance.error instanceof Error;
    default: return false;
  }
}

function deepFrozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFrozen);
  }
  return value;
}

import type { StateBackend } from '../../lib/state/state-backend.js';
import { VirtualTime } from '../../lib/testing/virtual-time.js';
import { takeTimeFrom } from '../../lib/time/clock.js';

/** Where a process dies: at its so-many-th step outside, before that has happened or after it. */
export interface Death { readonly step: number; readonly when: 'before' | 'after' }
export const ALIVE: Death = { step: Infinity, when: 'before' };
export const WHENS = ['before', 'after'] as const;

/** A process as a test plays it: whatever it does outside goes through `does`, and never ends once it is dead. */
export class MortalProcess {
  private steps = 0;
  private isDead = false;

  constructor(private readonly state: () => StateBackend, private readonly death: Death = ALIVE) {}

  /** How much it has done. */
  get count(): number { return this.steps; }

  async does<T>(what: () => Promise<T> | T): Promise<T> {
    if (this.isDead) return new Promise<never>(() => undefined);
    const isLast = this.steps++ === this.death.step;
    if (isLast) this.isDead = true;
    if (isLast && this.death.when === 'before') return new Promise<never>(() => undefined);
    const done = await what();
    return isLast ? new Promise<never>(() => undefined) : done;
  }

  /** The shared state, each operation of which is a step. */
  readonly backend = (): Promise<StateBackend> => Promise.resolve(new Proxy(this.state(), {
    get: (target, name) => {
      const method = Reflect.get(target, name) as unknown;
      return typeof method === 'function' ? (...args: unknown[]) => this.does(() => (method as (...all: unknown[]) => Promise<unknown>).apply(target, args)) : method;
    },
  }));
}

/** A time of the test's own, in which `passing` lets time pass until a promise is settled, or for so long. */
export function heldTime(now: number) {
  const time = new VirtualTime(now);
  const giveBack = takeTimeFrom(time);
  const passing = async <T>(promise: Promise<T>, limitMs = 1e9): Promise<T | 'unsettled'> => {
    let isSettled = false;
    const settled = (): void => { isSettled = true; };
    promise.then(settled, settled);
    for (const end = time.elapsed() + limitMs; ;) {
      for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => void setImmediate(resolve));
      if (isSettled) return promise;
      if (time.elapsed() >= end) return 'unsettled';
      time.step(Math.min(50, end - time.elapsed()));
    }
  };
  return { time, passing, giveBack };
}

import type { StateBackend } from '../../state/state-backend.js';
import type { AsyncTestFunctions } from '../async-test-functions.js';

/** One place where state is kept. @publicApi */
export interface StateBackendsUnderTest {
  /** One more backend on this place, not connected yet: what one writes, the others read. The suite closes it. */
  make(): StateBackend;
}

/** What each part of the suite is given. */
export interface StateBench extends AsyncTestFunctions {
  /** Runs with so many connected backends on one empty place, and closes them, however it ends. */
  with(count: number, use: (backends: readonly [StateBackend, ...StateBackend[]]) => Promise<void>): Promise<void>;
}

export const MINUTE = { expiresInMs: 60_000 };
const CLOSE_MS = 5_000;

export function benchOf(functions: AsyncTestFunctions, open: () => Promise<StateBackendsUnderTest>): StateBench {
  return {
    ...functions,
    with: async (count, use) => {
      const place = await open();
      const backends = Array.from({ length: count }, () => place.make());
      try {
        for (const backend of backends) await backend.connect();
        await use(backends as [StateBackend, ...StateBackend[]]);
      } finally {
        await Promise.all(backends.map((backend) => backend.close(CLOSE_MS)));
      }
    },
  };
}

export function bytes(text: string): Buffer {
  return Buffer.from(text);
}

/** One of them in turn. */
export function inTurn(backends: readonly StateBackend[], index: number): StateBackend {
  return backends[index % backends.length] as StateBackend;
}

/** Resolves once it has told this. */
export class Told<Value> {
  readonly all: Value[] = [];
  private readonly waiting = new Set<() => void>();

  readonly add = (value: Value): void => {
    this.all.push(value);
    for (const look of this.waiting) look();
  };

  until(isDone: (all: readonly Value[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isDone(this.all)) return;
        this.waiting.delete(look);
        resolve();
      };
      this.waiting.add(look);
      look();
    });
  }
}

/** What it was rejected with; `undefined`: it was not. */
export async function rejection(of: Promise<unknown>): Promise<unknown> {
  try {
    await of;
    return undefined;
  } catch (error) {
    return error;
  }
}

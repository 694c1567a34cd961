import { clock } from '../../../time/clock.js';
import { Keyed } from '../keyed.js';
import type { TaskLimitOptions } from '../limit-options.js';
import { Permits } from './permits.js';
import { Semaphore, type SemaphoreHost } from './semaphore.js';

/** `leave` gives the places back; `ranMs`: how long it ran, if it did. Otherwise when to ask again, and which limit it is. */
export type Entered =
  | { readonly entered: true; leave(ranMs: number | undefined): void }
  | { readonly entered: false; readonly delayMs: number; readonly limit: string };

/** One limit on the way: takes, or says when to come again. */
interface Step {
  readonly limit: string;
  /** What undoes it; `undefined`: not now. */
  take(): Promise<Undo | undefined>;
  turn(): number;
}

interface Undo {
  leave(ranMs: number | undefined): void;
  /** Told when the task does not start after all. */
  unused(): Promise<void>;
}

/** The limits of one task name over all processes. */
export class NameLimits {
  private readonly whole: Semaphore | undefined;
  private readonly rate: Permits | undefined;
  private readonly keys: Keyed<Semaphore> | undefined;
  private readonly keyRates: Keyed<Permits> | undefined;

  constructor(host: SemaphoreHost, prefix: string, { global, rate, perKey }: TaskLimitOptions) {
    if (global !== undefined) this.whole = new Semaphore(host, `${prefix}:all`, global);
    if (rate !== undefined) this.rate = new Permits(host, `${prefix}:rate`, rate);
    const { global: ofKey, rate: keyRate } = perKey ?? {};
    if (ofKey !== undefined) this.keys = new Keyed((key) => new Semaphore(host, `${prefix}:key:${encodeURIComponent(key)}`, ofKey));
    if (keyRate !== undefined) this.keyRates = new Keyed((key) => new Permits(host, `${prefix}:key-rate:${encodeURIComponent(key)}`, keyRate));
  }

  *semaphores(): IterableIterator<Semaphore> {
    if (this.whole !== undefined) yield this.whole;
    if (this.keys !== undefined) yield* this.keys.all();
  }

  /** @throws what the backend throws; nothing is taken then */
  async enter(key: string | undefined): Promise<Entered> {
    const taken: Undo[] = [];
    const undo = (): Promise<unknown> => Promise.allSettled(taken.map(async (step) => {
      step.leave(undefined);
      await step.unused();
    }));
    try {
      for (const step of this.steps(key)) {
        const done = await step.take();
        if (done === undefined) {
          await undo();
          return { entered: false, delayMs: step.turn(), limit: step.limit };
        }
        taken.push(done);
      }
    } catch (error) {
      await undo();
      throw error;
    }
    return { entered: true, leave: (ranMs) => { for (const step of taken) step.leave(ranMs); } };
  }

  /** Who waits for its key takes no place of the whole; and tickets last, which are used up by a start. */
  private steps(key: string | undefined): Step[] {
    const now = clock.elapsed();
    return [
      ...key === undefined ? [] : placeOf(this.keys?.of(key, now), 'limits.perKey.global'),
      ...placeOf(this.whole, 'limits.global'),
      ...key === undefined ? [] : ticketOf(this.keyRates?.of(key, now), 'limits.perKey.rate'),
      ...ticketOf(this.rate, 'limits.rate'),
    ];
  }
}

function placeOf(semaphore: Semaphore | undefined, limit: string): Step[] {
  if (semaphore === undefined) return [];
  return [{
    limit,
    turn: () => semaphore.turn(),
    take: async () => (await semaphore.acquire() ? { leave: (ranMs) => semaphore.release(ranMs), unused: () => Promise.resolve() } : undefined),
  }];
}

function ticketOf(permits: Permits | undefined, limit: string): Step[] {
  if (permits === undefined) return [];
  return [{
    limit,
    turn: () => permits.turn(),
    take: async () => {
      const giveBack = await permits.take();
      return giveBack && { leave: () => undefined, unused: giveBack };
    },
  }];
}

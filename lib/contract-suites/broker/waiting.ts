import { clock } from '../../time/clock.js';
import { within as settledWithin } from '../../time/within.js';

/** Far more than a healthy machine needs. */
const LIMIT_MS = 20_000;
const EVERY_MS = 25;

/** Rejects with a text that names `what`, once the limit has passed. */
export async function within<Value>(promise: Promise<Value>, limitMs: number, what: string): Promise<Value> {
  const settled = await settledWithin(limitMs, promise.then((value) => ({ value })));
  if (settled === undefined) throw new Error(`Waited ${limitMs} ms in vain for: ${what}`);
  return settled.value;
}

/** Lets time pass. */
export function pause(milliseconds: number): Promise<void> {
  return clock.sleep(milliseconds);
}

/** Asks again and again, for what cannot tell by itself. A question that fails is asked again too. */
export async function eventually<Answer>(ask: () => Answer | Promise<Answer>, fits: (answer: Answer) => boolean, what: string, { limitMs = LIMIT_MS } = {}): Promise<Answer> {
  const deadline = clock.elapsed() + limitMs;
  for (;;) {
    const answer = await Promise.resolve().then(ask).then((value) => ({ value, fits: fits(value) }), (error: unknown) => ({ value: error, fits: false }));
    if (answer.fits) return answer.value as Answer;
    if (clock.elapsed() > deadline) throw new Error(`Waited ${limitMs} ms in vain for: ${what}. The last answer was ${String(answer.value)}`);
    await pause(EVERY_MS);
  }
}

/** Something that happens once. */
export class Signal {
  fire!: () => void;
  readonly promise = new Promise<void>((resolve) => { this.fire = resolve; });

  within(limitMs: number, what: string): Promise<void> {
    return within(this.promise, limitMs, what);
  }
}

/** Things as they arrive; waits for a number of them, or for one that fits. */
export class Arrivals<Item> {
  readonly all: Item[] = [];
  private readonly waiting = new Set<() => void>();

  /** Bound, so that it can be given as a callback. */
  readonly add = (item: Item): void => {
    this.all.push(item);
    for (const look of this.waiting) look();
  };

  async count(atLeast: number, limitMs = LIMIT_MS): Promise<Item[]> {
    await this.until(() => this.all.length >= atLeast, limitMs, () => `${atLeast} arrivals; there are ${this.all.length}`);
    return this.all;
  }

  async first(fits: (item: Item) => boolean, what: string, limitMs = LIMIT_MS): Promise<Item> {
    await this.until(() => this.all.some(fits), limitMs, () => `${what}, among ${this.all.length} arrivals`);
    return this.all.find(fits) as Item;
  }

  /** Looks after each arrival. */
  async until(isDone: () => boolean, limitMs: number, describe: () => string): Promise<void> {
    let look: (() => void) | undefined;
    const done = new Promise<true>((resolve) => {
      look = (): void => { if (isDone()) resolve(true); };
      this.waiting.add(look);
      look();
    });
    const isInTime = await settledWithin(limitMs, done);
    this.waiting.delete(look as unknown as () => void);
    if (isInTime === undefined) throw new Error(`Waited ${limitMs} ms in vain for: ${describe()}`);
  }
}

/** What an Observable is, as far as it is needed here. */
interface Source<Value> {
  subscribe(next: (value: Value) => void): { unsubscribe(): void };
}

/** The first that fits. */
export async function emission<Value>(source: Source<Value>, fits: (value: Value) => boolean, what: string): Promise<Value> {
  const arrivals = new Arrivals<Value>();
  const subscription = source.subscribe(arrivals.add);
  try {
    return await arrivals.first(fits, what);
  } finally {
    subscription.unsubscribe();
  }
}

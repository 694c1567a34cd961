import { busy } from '../http/refusal.js';

const MOST_WAITING = 10;

/** One after the other: looking through a queue is work for the broker, however many pages ask for it. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  /** @param what is looked through */
  constructor(private readonly what: string) {}

  /** @throws Refusal where too many wait already */
  take<T>(work: () => Promise<T>): Promise<T> {
    if (this.waiting >= MOST_WAITING) throw busy(`Others are looking through ${this.what} now. Try again in a moment.`);
    this.waiting++;
    const turn = this.last.then(work).finally(() => { this.waiting--; });
    this.last = turn.catch(() => undefined);
    return turn;
  }
}

import type { Account } from './account.js';
import type { Kind, Offer } from './protocol.js';
import type { Random } from './random.js';
import type { Station } from './station.js';

const EVERY_MS = 200;
/** So that all of it can be worked off at the end, and no machine is kept busy by this alone. */
const MOST_UNDERWAY = 300;

const SHARES: Record<Exclude<Kind, 'deadly'>, number> = { short: 60, long: 4, polite: 4, failing: 15, doomed: 3, limited: 6 };

/** Publishes tasks of every kind, mixed at random, until it is stopped. */
export class Sender {
  private count = 0;
  private readonly timer: NodeJS.Timeout;
  private readonly deadlyEvery: number;

  /** A task that kills its process takes a handful of processes with it, so that there are few. */
  constructor(private readonly station: Station, private readonly account: Account, private readonly random: Random, seconds: number) {
    this.deadlyEvery = Math.max(seconds / 12, 20) * 1000;
    let nextDeadlyAt = performance.now() + this.deadlyEvery / 2;
    this.timer = setInterval(() => {
      if (account.underway > MOST_UNDERWAY || !station.now.isReady) return;
      const offers = Array.from({ length: random.between(2, 10) }, () => this.offer(random.byShare(SHARES)));
      if (performance.now() > nextDeadlyAt) {
        nextDeadlyAt += this.deadlyEvery;
        offers.push(this.offer('deadly'));
      }
      station.now.tell({ do: 'publish', offers });
    }, EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private offer(kind: Kind): Offer {
    const uuid = `${kind}-${this.count++}`;
    this.account.offered(uuid, kind);
    return { uuid, kind, amount: this.amount(kind) };
  }

  private amount(kind: Kind): number {
    switch (kind) {
      case 'short': return this.random.between(0, 50);
      case 'long': case 'polite': return this.random.between(1_000, 15_000);
      case 'limited': return this.random.between(50, 300);
      case 'failing': return this.random.between(1, 3);
      default: return 0;
    }
  }
}

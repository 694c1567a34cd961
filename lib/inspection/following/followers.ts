import type { Broker } from '../../brokers/broker.js';
import { clock, type ClockTimer } from '../../time/clock.js';
import { within } from '../../time/within.js';
import { encode } from '../asking/messages.js';
import type { EventBatches } from './event-batches.js';
import type { EventSource } from './event-source.js';
import { type Batch, decodeWish, type Wish } from './messages.js';

/** Who has not said for so long that it follows does so no more. */
const KEPT_MS = 12_000;
const LOOK_MS = 2_000;
const FAREWELL_LIMIT_MS = 500;
const MOST_FOLLOWERS = 16;
const MOST_PER_SECOND = 500;

interface Follower {
  readonly batches: EventBatches;
  readonly filter: string;
  until: number;
}

export interface FollowersDependencies {
  readonly broker: Pick<Broker, 'broadcast'>;
  readonly source: EventSource;
  readonly now: () => number;
}

/** Who follows the events of this process from elsewhere: told of them for as long as each says so, and not a moment longer than 15 s. */
export class Followers {
  private readonly followers = new Map<string, Follower>();
  private look: ClockTimer | undefined;
  private isStopped = false;

  constructor(private readonly dependencies: FollowersDependencies) {}

  /** @param message whatever was broadcast to all processes */
  heard(message: Buffer): void {
    const wish = decodeWish(message);
    if (wish === undefined || this.isStopped) return;
    if (wish.end === true) return this.forget(wish.follow);
    const filter = JSON.stringify(wish.filter);
    const known = this.followers.get(wish.follow);
    if (known !== undefined && known.filter === filter) {
      known.until = this.dependencies.now() + KEPT_MS;
      known.batches.perSecond = rateOf(wish);
    } else {
      this.forget(wish.follow);
      this.add(wish, filter);
    }
  }

  /** Who follows is told what has happened up to now. Never rejects. */
  async stop(): Promise<void> {
    this.isStopped = true;
    const ends = [...this.followers.values()].map(({ batches }) => batches.end());
    for (const topic of [...this.followers.keys()]) this.forget(topic);
    await within(FAREWELL_LIMIT_MS, Promise.all(ends));
  }

  private add(wish: Wish, filter: string): void {
    if (this.followers.size >= MOST_FOLLOWERS) {
      this.send(wish.follow, { events: [], full: true }).catch(() => undefined);
      return;
    }
    const batches = this.dependencies.source.batches(wish.filter, rateOf(wish), (events, dropped) => this.send(wish.follow, { events, ...(dropped === 0 ? {} : { dropped }) }));
    this.followers.set(wish.follow, { batches, filter, until: this.dependencies.now() + KEPT_MS });
    this.look ??= clock.setInterval(() => this.forgetSilent(), LOOK_MS).unref();
  }

  private forgetSilent(): void {
    const now = this.dependencies.now();
    for (const [topic, { until }] of this.followers) if (now >= until) this.forget(topic);
  }

  private forget(topic: string): void {
    this.followers.get(topic)?.batches.stop();
    this.followers.delete(topic);
    if (this.followers.size > 0) return;
    clock.clear(this.look);
    this.look = undefined;
  }

  private send(topic: string, batch: Omit<Batch, 'process' | 'host' | 'pid'>): Promise<void> {
    const { broker, source: { place: { id, host, pid } } } = this.dependencies;
    return broker.broadcast(topic, encode({ process: id, host, pid, ...batch }));
  }
}

function rateOf({ perSecond }: Wish): number {
  return Math.min(Math.max(perSecond, 1), MOST_PER_SECOND);
}

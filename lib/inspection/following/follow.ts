import { randomUUID } from 'node:crypto';
import type { Broker, SignalSubscription } from '../../brokers/broker.js';
import { BrokerRefusedError, ConfigurationError } from '../../errors.js';
import { pauseUntil } from '../../time/pause-until.js';
import { makeStopper } from '../../time/stopper.js';
import { within } from '../../time/within.js';
import { encode, QUESTIONS } from '../asking/messages.js';
import type { EventBatches } from './event-batches.js';
import type { EventSource } from './event-source.js';
import type { CheckedFollowFilter } from './follow-filter.js';
import type { FollowedEvent } from './followed-event.js';
import { type Batch, decodeBatch, eventsTopic, type Wish } from './messages.js';

/** Until it is known how many processes there are, each is asked for little. */
const FIRST_PER_SECOND = 50;
/** Of all processes together; more nobody can read. */
const PER_SECOND = 2_000;
const LEAST_PER_SECOND = 2;
const OWN_PER_SECOND = 500;
const FIRST_RENEWAL_MS = 1_000;
const RENEWAL_MS = 4_000;
/** Who has told nothing for so long does not count among those who share what is told. */
const TELLS_MS = 10_000;
const MOST_PROCESSES = 5_000;
const LONGEST_PAUSE_MS = 15_000;
const FAREWELL_MS = 500;

export interface FollowingDependencies {
  readonly broker: Pick<Broker, 'broadcast' | 'watchBroadcasts'>;
  /** Of this process, which is not asked over the broker: what happens while that is away is told too. Absent where it tells nothing. */
  readonly own: EventSource | undefined;
  /** Resolves when the broker can be used. */
  readonly ready: () => Promise<void>;
  readonly now: () => number;
}

export interface FollowDependencies extends FollowingDependencies {
  readonly filter: CheckedFollowFilter;
  readonly next: (event: FollowedEvent) => void;
  /** Nothing will be told: the user of the broker may not ask. */
  readonly failed: (error: unknown) => void;
}

/** One who follows: says so every few seconds, and puts together what all processes tell. */
export class Follow {
  private readonly topic = eventsTopic(randomUUID());
  private readonly stopping = makeStopper();
  private readonly tells = new Map<string, number>();
  private readonly own: EventBatches | undefined;
  private subscription: SignalSubscription | undefined;
  private stopped: Promise<void> | undefined;

  constructor(private readonly dependencies: FollowDependencies) {
    const { own, filter } = dependencies;
    this.own = own?.batches(filter, OWN_PER_SECOND, (events, dropped) => {
      this.tell({ process: own.place.id, host: own.place.host, pid: own.place.pid, events, dropped });
      return Promise.resolve();
    });
    void this.work();
  }

  /** Idempotent; never rejects. */
  stop(): Promise<void> {
    return (this.stopped ??= this.end());
  }

  private async end(): Promise<void> {
    this.stopping.abort();
    this.own?.stop();
    const { subscription } = this;
    if (subscription === undefined) return;
    this.subscription = undefined;
    await within(FAREWELL_MS, Promise.all([this.wish({ end: true }), subscription.stop()]).catch(() => undefined));
  }

  private async work(): Promise<void> {
    const { signal } = this.stopping;
    if (!await this.listen()) return;
    for (let pauseMs = FIRST_RENEWAL_MS; !signal.aborted; pauseMs = RENEWAL_MS) {
      // While the broker is away nothing is told; it is wished again.
      await this.wish().catch(() => undefined);
      await pauseUntil(pauseMs, signal);
    }
  }

  /** Until it hears what is told. False: it never will. */
  private async listen(): Promise<boolean> {
    const { broker, ready, failed } = this.dependencies;
    const { signal } = this.stopping;
    for (let pauseMs = FIRST_RENEWAL_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        await ready();
        const subscription = await broker.watchBroadcasts(this.topic, (message) => this.heard(message));
        if (signal.aborted) await subscription.stop();
        else this.subscription = subscription;
        return !signal.aborted;
      } catch (error) {
        if (error instanceof BrokerRefusedError || error instanceof ConfigurationError) {
          failed(error);
          return false;
        }
        await pauseUntil(pauseMs, signal);
      }
    }
    return false;
  }

  private wish(how: Pick<Wish, 'end'> = {}): Promise<void> {
    const { broker, filter } = this.dependencies;
    const wish: Wish = { follow: this.topic, filter, perSecond: this.perSecond(), ...how };
    return broker.broadcast(QUESTIONS, encode(wish));
  }

  private perSecond(): number {
    const since = this.dependencies.now() - TELLS_MS;
    for (const [process, at] of this.tells) if (at < since) this.tells.delete(process);
    return this.tells.size === 0 ? FIRST_PER_SECOND : Math.max(LEAST_PER_SECOND, Math.floor(PER_SECOND / this.tells.size));
  }

  private heard(message: Buffer): void {
    const batch = decodeBatch(message);
    // What happens here has been told already.
    if (batch === undefined || batch.process === this.dependencies.own?.place.id || this.stopping.signal.aborted) return;
    if (this.tells.size < MOST_PROCESSES) this.tells.set(batch.process, this.dependencies.now());
    this.tell(batch);
  }

  private tell({ process, host, pid, events, dropped = 0, full }: Batch): void {
    const { next, now } = this.dependencies;
    const place = { process, host, pid };
    if (full === true) next({ ...place, type: 'events.refused', level: 'warn', origin: 'worker', at: now(), text: `The process ${pid} on ${host} tells its events to as many as it can already, and not to this one.` });
    events.forEach((event, index) => next({ ...event, ...place, ...(dropped > 0 && index === events.length - 1 ? { dropped } : {}) }));
  }
}

import { clock } from '../../../time/clock.js';
import { pauseUntil } from '../../../time/pause-until.js';
import type { Message } from '../../broker.js';
import type { AmqpDelivery } from '../consuming/amqp-delivery.js';
import { readDelayed, withoutDelayed } from './delayed-header.js';
import { DELAY_UNIT_MS, dueName, wheelName } from './delay-ladder.js';
import type { DelayInfrastructure } from './delay-infrastructure.js';
import { ForwarderConsumption } from './forwarder-consumption.js';
import type { Forwarding } from './forwarding.js';
import { asItWas, isOfLedger, type Removed, removalWarning, removedByServer } from './removed-by-server.js';
import type { SenderClocks } from './sender-clocks.js';
import type { ServerClock } from './server-clock.js';

/** Enough for thousands a second; few enough that a process which stands still holds up hardly any. */
const PREFETCH = 100;
/** What a policy removes again and again comes back after this at the soonest. */
const REMOVED_AGAIN_MS = 5_000;
const MOST_REMEMBERED = 1_000;

export interface DueForwarderHost {
  /** It is consumed from now on. */
  opened(): void;
  /** Something was for the bucket of this key, which is not there. */
  strayed(key: string): void;
}

/**
 * Takes what has come out of the ladder, and forwards it, or lets it wait the rest of its delay; and what found no bucket, for
 * which it makes one. It also brings back what the server
 * removes by itself from the queues that only we use.
 */
export class DueForwarder {
  readonly consumption: ForwarderConsumption;
  /** By queue: when something was brought back into it, by the clock that never steps. */
  private readonly broughtBack = new Map<string, number>();

  constructor(
    private readonly exchange: string,
    infrastructure: DelayInfrastructure,
    private readonly forwarding: Forwarding,
    private readonly senders: SenderClocks,
    private readonly time: ServerClock,
    private readonly host: DueForwarderHost,
  ) {
    this.consumption = new ForwarderConsumption(forwarding, {
      name: dueName(exchange), prefetch: PREFETCH, declare: (model) => infrastructure.declareEnd(model), opened: () => host.opened(),
    }, (delivery) => void this.take(delivery));
  }

  private take(delivery: AmqpDelivery): Promise<void> {
    return this.forwarding.take(delivery, () => this.forward(delivery));
  }

  /** True once it has a place elsewhere; false when we close before that. */
  private async forward(delivery: AmqpDelivery): Promise<boolean> {
    const delayed = readDelayed(delivery);
    if (delayed === undefined) {
      const removed = removedByServer(delivery, delivery.queue);
      return removed === undefined ? this.forwarding.putAside(delivery) : this.bringBack(asItWas(delivery, removed), removed);
    }
    if (delivery.exchange === wheelName(this.exchange)) this.host.strayed(delivery.routingKey);
    const message = withoutDelayed(delivery);
    const now = this.time.earliest;
    const restMs = this.senders.restMs(delayed, now, clock.elapsed());
    // A rest of less than a unit is not worth another way.
    if (restMs > DELAY_UNIT_MS) return this.forwarding.sendBack(message, { ...delayed, due: now + restMs });
    return await this.isWaitedOut(restMs) && this.forwarding.hand(message, delayed);
  }

  /** False when we close before that. */
  private async isWaitedOut(restMs: number): Promise<boolean> {
    const { signal } = this.forwarding;
    const until = clock.elapsed() + restMs;
    // A timer may fire a moment early.
    for (let leftMs = restMs; leftMs > 0 && !signal.aborted; leftMs = until - clock.elapsed()) await pauseUntil(Math.ceil(leftMs), signal);
    return !signal.aborted || restMs <= 0;
  }

  private async bringBack(message: Message, removed: Removed): Promise<true> {
    const { queue } = removed;
    const now = clock.elapsed();
    if (this.broughtBack.size > MOST_REMEMBERED) this.broughtBack.clear();
    const last = this.broughtBack.get(queue) ?? -Infinity;
    this.broughtBack.set(queue, now);
    if (now - last > REMOVED_AGAIN_MS) this.forwarding.host.warn(removalWarning(removed, this.exchange));
    if (isOfLedger(removed, this.exchange)) return true;
    const delayed = { due: this.time.earliest, to: { queue }, tries: 0 };
    if (now - last < REMOVED_AGAIN_MS) return this.forwarding.sendBack(message, { ...delayed, due: delayed.due + REMOVED_AGAIN_MS });
    return this.forwarding.hand(message, delayed);
  }
}

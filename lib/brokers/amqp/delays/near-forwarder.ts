import { clock } from '../../../time/clock.js';
import type { AmqpDelivery } from '../consuming/amqp-delivery.js';
import { readDelayed, withoutDelayed } from './delayed-header.js';
import type { DelayInfrastructure } from './delay-infrastructure.js';
import { NEAR_LONGEST_MS, nearName } from './delay-ladder.js';
import { serverVersion } from '../topology/server-version.js';
import { ForwarderConsumption } from './forwarder-consumption.js';
import type { Forwarding } from './forwarding.js';
import { Holding } from './holding.js';
import { FIRST_PREFETCH } from './near-room.js';
import type { SenderClocks } from './sender-clocks.js';
import type { ServerClock } from './server-clock.js';

/** Who holds for long what is due later, holds up what is due soon. */
const LONGEST_HELD_MS = 2 * NEAR_LONGEST_MS;

/** Takes what is due soon as soon as it is there, holds it until it is due, and forwards it. */
export class NearForwarder {
  readonly consumption: ForwarderConsumption;
  private readonly holding: Holding;

  constructor(exchange: string, infrastructure: DelayInfrastructure, private readonly forwarding: Forwarding, private readonly senders: SenderClocks, private readonly time: ServerClock) {
    this.consumption = new ForwarderConsumption(forwarding, {
      // Most of what is in hand waits, and nobody waits for its acknowledgements: they go together.
      name: nearName(exchange), prefetch: FIRST_PREFETCH, running: 0, declare: (model) => infrastructure.declareNear(model),
      isThere: (model) => {
        const { major, minor } = serverVersion(model);
        return major > 3 || minor >= 10;
      },
    }, (delivery) => this.delivered(delivery));
    this.holding = new Holding(this.consumption, forwarding);
  }

  /** How many are in hand: the broker counts them no more. */
  get count(): number {
    return this.holding.count;
  }

  /** What is in hand goes back when the consumption closes. */
  stop(): void {
    this.holding.stop();
  }

  private delivered(delivery: AmqpDelivery): void {
    const delayed = readDelayed(delivery);
    if (delayed === undefined) return void this.forwarding.take(delivery, () => this.forwarding.putAside(delivery));
    const now = this.time.earliest;
    const restMs = this.senders.restMs(delayed, now, clock.elapsed());
    if (restMs <= LONGEST_HELD_MS) this.holding.take(delivery, delayed, restMs);
    // The sender's clock is ahead of ours.
    else void this.forwarding.take(delivery, () => this.forwarding.sendBack(withoutDelayed(delivery), { ...delayed, due: now + restMs }));
  }
}

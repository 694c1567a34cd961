import { BrokerRefusedError, InvalidTaskError, TaskRejectedError, UnroutableTaskError } from '../../../errors.js';
import { keyWithoutLevel } from '../../../task/queue-lines.js';
import { clock, type ClockTimer } from '../../../time/clock.js';
import { makeStopper } from '../../../time/stopper.js';
import type { Address, BeforeUndelivered, BrowsedMessage, Delivery, Message } from '../../broker.js';
import { pauseUntil } from '../../../time/pause-until.js';
import { exponentialPause } from '../../connection/reconnection-policy.js';
import { AmqpConsumption, type ConsumptionHost } from '../consuming/amqp-consumption.js';
import type { Publisher } from '../publishing/publisher.js';
import { readDelayed, withoutDelayed, type Delayed } from './delayed-header.js';
import type { DelayedPublishing } from './delayed-publishing.js';
import type { DelayInfrastructure } from './delay-infrastructure.js';
import { DELAY_UNIT_MS, dueName } from './delay-ladder.js';
import { asItWas, isOfLedger, type Removed, removalWarning, removedByServer } from './removed-by-server.js';
import { UndeliveredQueue } from './undelivered-queue.js';

/** Enough for thousands a second; few enough that a process which stands still holds up hardly any. */
const PREFETCH = 100;
/** A script that connects, publishes and ends need not take part. */
const START_PAUSE_MS = 1_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** By how much the clocks of two machines may differ; see docs/delivery-guarantees.md. */
const CLOCKS_APART_MS = 60_000;

/** What a policy removes again and again comes back after this at the soonest. */
const REMOVED_AGAIN_MS = 5_000;
const MOST_REMEMBERED = 1_000;

export interface ForwarderHost extends ConsumptionHost {
  warn(message: string): void;
  /** See `Broker.signal`. */
  signal(): Promise<void>;
  /** See `Broker.beforeUndelivered`. */
  beforeUndelivered: BeforeUndelivered;
}

/**
 * Takes what has come out of the ladder and publishes it to the main exchange, or to its queue, as if it were
 * published only now; confirmed first, acknowledged then, so that nothing is lost whatever dies in
 * between. Every process takes part, so that one is always there. It also brings back what the server removes by itself
 * from the queues that only we use.
 */
export class DueForwarder {
  private readonly stopping = makeStopper();
  private opening: Promise<void> | undefined;
  private timer: ClockTimer | undefined;
  private consumption: AmqpConsumption | undefined;
  private lastWarning = '';
  /** By queue: when something was brought back into it, by the clock that never steps. */
  private readonly broughtBack = new Map<string, number>();
  private readonly undelivered: UndeliveredQueue;

  constructor(
    private readonly exchange: string,
    private readonly publisher: Publisher,
    private readonly infrastructure: DelayInfrastructure,
    private readonly delayed: DelayedPublishing,
    private readonly host: ForwarderHost,
  ) {
    this.undelivered = new UndeliveredQueue(exchange, publisher, {
      warn: (message) => host.warn(message), beforeUndelivered: host.beforeUndelivered,
      redeclare: async () => infrastructure.declareEnd(await host.connection()),
    });
  }

  startSoon(): void {
    if (!this.stopping.signal.aborted) this.timer ??= clock.setTimeout(() => this.start(), START_PAUSE_MS);
  }

  /** Goes on in the background until it consumes; tries for as long as there is a connection to hope for. Idempotent. */
  start(): void {
    if (this.stopping.signal.aborted || this.opening !== undefined) return;
    this.opening = this.open();
  }

  /** Takes no more; what is under way is finished. */
  stop(): void {
    this.stopping.abort();
    clock.clear(this.timer);
    void this.consumption?.stop();
  }

  /** What is not forwarded by now goes back to its queue, for another process. */
  async close(): Promise<void> {
    this.stop();
    await this.opening;
    await this.consumption?.close();
  }

  private async open(): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await this.host.connection();
      } catch {
        // No connection, and none to come: the next one to start, starts again.
        this.opening = undefined;
        return;
      }
      try {
        await this.consume();
        return;
      } catch (error) {
        if (!signal.aborted) this.warnOnce(`What is due cannot be forwarded by this process; this is tried again. ${(error as Error).message}`);
        await pauseUntil(exponentialPause(failures, FIRST_RETRY_MS, LONGEST_RETRY_MS, () => this.host.random()), signal);
      }
    }
  }

  private async consume(): Promise<void> {
    await this.infrastructure.declareEnd(await this.host.connection());
    if (this.stopping.signal.aborted) return;
    const { host, infrastructure } = this;
    this.consumption = new AmqpConsumption(dueName(this.exchange), { tag: 'dispatcher-delays', prefetch: PREFETCH }, (delivery) => void this.take(delivery), {
      connection: (limitMs) => host.connection(limitMs),
      isConnected: () => host.isConnected(),
      redeclare: (model) => infrastructure.declareEnd(model),
      emit: (event) => host.emit(event),
      random: () => host.random(),
      ended: () => undefined,
    });
    await this.consumption.start(LONGEST_RETRY_MS);
  }

  /** Never rejects. A delivery that is left alone here goes back when the channel closes. */
  private async take(delivery: Delivery): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        if (await this.forward(delivery)) delivery.ack();
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.warnOnce(`A delayed task could not be forwarded and is tried again. ${(error as Error).message}`);
        await pauseUntil(exponentialPause(failures, FIRST_RETRY_MS, LONGEST_RETRY_MS, () => this.host.random()), signal);
        // A quorum queue counts what comes back, and drops it in the end: that is kept and tried here.
        if (delivery.deliveryCount === undefined) return void (signal.aborted || delivery.requeue());
      }
    }
  }

  /** True once it has a place elsewhere; false when we close before that. */
  private async forward(delivery: Delivery): Promise<boolean> {
    const { signal } = this.stopping;
    const delayed = readDelayed(delivery);
    const message = withoutDelayed(delivery);
    if (delayed === undefined) {
      const removed = removedByServer(delivery, delivery.queue);
      if (removed !== undefined) return this.bringBack(asItWas(delivery, removed), removed);
      const stray = { ...message, exchange: this.exchange, routingKey: delivery.routingKey };
      const problem = `It came to "${delivery.queue}" without saying for whom it is: only delayed tasks of this library belong there.`;
      await this.undelivered.tell(stray, problem);
      await this.undelivered.bury(stray, problem);
      return true;
    }
    // It has waited on the ladder for all of its delay. Clocks differ, and a rest of less than a unit is not worth another
    // walk; but one that is longer than clocks may differ says that a clock was set, and nothing of the delay.
    for (let restMs = delayed.due - clock.now(); restMs > 0 && restMs <= CLOCKS_APART_MS; restMs = delayed.due - clock.now()) {
      if (restMs > DELAY_UNIT_MS) return this.sendBack(message, delayed);
      await pauseUntil(restMs, signal);
      if (signal.aborted) return false;
    }
    return this.hand(message, delayed);
  }

  private async hand(message: Message, delayed: Delayed): Promise<true> {
    await this.publish(message, delayed);
    // A note that was missing for a moment: who has read meanwhile reads again.
    if (isNoteQueue(delayed.to, this.exchange)) await this.host.signal().catch(() => undefined);
    return true;
  }

  private async bringBack(message: Message, removed: Removed): Promise<true> {
    const { queue } = removed;
    const now = clock.elapsed();
    if (this.broughtBack.size > MOST_REMEMBERED) this.broughtBack.clear();
    const last = this.broughtBack.get(queue) ?? -Infinity;
    this.broughtBack.set(queue, now);
    if (now - last > REMOVED_AGAIN_MS) this.host.warn(removalWarning(removed, this.exchange));
    if (isOfLedger(removed, this.exchange)) return true;
    const delayed = { due: clock.now(), to: { queue }, tries: 0 };
    if (now - last < REMOVED_AGAIN_MS) return this.sendBack(message, { ...delayed, due: delayed.due + REMOVED_AGAIN_MS });
    return this.hand(message, delayed);
  }

  private async sendBack(message: Message, delayed: Delayed): Promise<true> {
    await this.delayed.sendOn(message, delayed);
    return true;
  }

  private async publish(message: Message, delayed: Delayed): Promise<void> {
    const { to } = delayed;
    const [exchange, routingKey] = 'queue' in to ? ['', to.queue] : [this.exchange, to.routingKey];
    try {
      await this.publisher.publish(message, exchange, routingKey);
    } catch (error) {
      if (error instanceof UnroutableTaskError) {
        const plain = 'queue' in to ? undefined : keyWithoutLevel(routingKey, message.properties.headers);
        if (plain !== undefined) return this.publish(message, { ...delayed, to: { routingKey: plain } });
        // Whom it would tell something has gone.
        if (isReplyQueue(to, this.exchange)) return;
        return this.giveUp({ ...message, exchange, routingKey }, delayed, this.nowhere(to));
      }
      if (error instanceof InvalidTaskError) return this.giveUp({ ...message, exchange, routingKey }, delayed, error.message);
      if (!(error instanceof TaskRejectedError || error instanceof BrokerRefusedError)) throw error;
      // A full queue, for one.
      await this.putOff(message, delayed);
    }
  }

  /** Meanwhile it waits on the ladder, where it is in nobody's way. */
  private async putOff(message: Message, { to, tries }: Delayed): Promise<void> {
    await this.sendBack(message, { due: clock.now() + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(tries, 10)), to, tries: tries + 1 });
  }

  private async giveUp(message: BrowsedMessage, delayed: Delayed, problem: string): Promise<void> {
    try {
      await this.undelivered.tell(message, problem);
    } catch (error) {
      this.warnOnce(`A delayed task cannot be delivered, and it cannot be told now that it ends so; it waits, and is tried again. ${(error as Error).message}`);
      return this.putOff(message, delayed);
    }
    await this.undelivered.bury(message, problem);
  }

  private nowhere(to: Address): string {
    if ('queue' in to) return `When it was due, there was no queue "${to.queue}" any more. Declare it, then publish it again.`;
    return `When it was due, no queue was bound to the exchange "${this.exchange}" with the routing key "${to.routingKey}". Bind one, then publish it again.`;
  }

  private warnOnce(message: string): void {
    if (message === this.lastWarning) return;
    this.lastWarning = message;
    this.host.warn(message);
  }
}

function isNoteQueue(to: Address, exchange: string): boolean {
  return 'queue' in to && to.queue.startsWith(`${exchange}.control.`);
}

function isReplyQueue(to: Address, exchange: string): boolean {
  return 'queue' in to && to.queue.startsWith(`${exchange}.replies.`);
}

import type { ChannelModel } from 'amqplib';
import type { DispatcherError } from '../../../errors.js';
import { clock, type ClockTimer } from '../../../time/clock.js';
import type { Message } from '../../broker.js';
import type { PublishingLimits } from '../amqp-broker-options.js';
import type { ChannelClosure } from '../../../amqp/open-channel.js';
import { pauseUntil } from '../../../time/pause-until.js';
import { makeStopper } from '../../../time/stopper.js';
import { within } from '../../../time/within.js';
import { Admission } from './admission.js';
import { causedByPublish, closuresToBlame, oversizeIn } from './channel-blame.js';
import { NackRetries } from './nack-retries.js';
import { Outgoing } from './outgoing.js';
import { PublishChannel, type PublishChannelListener } from './publish-channel.js';
import { abandoned, invalid, killedChannel, rejected, shutDown, timedOut, tooLarge, unroutable } from './publish-errors.js';
import { RefusedExchanges } from './refused-exchanges.js';
import { WaitingLine } from './waiting-line.js';

export interface PublisherHost {
  /** Declares what publishing needs, because the broker said that something is missing. */
  repair(model: ChannelModel): Promise<void>;
  /** Why nothing can be sent now; for the error of a publish that waited too long. */
  unavailable(): DispatcherError;
  warning(message: string): void;
}

/** Pauses before a channel is opened again that had ended before it confirmed anything. */
const REOPEN_PAUSES_MS = [0, 100, 500, 2000, 5000] as const;

/**
 * All publishes of a broker, over one confirm channel at a time. What is unresolved when a channel
 * or connection goes is sent again on the next, in order and under the same message id.
 */
export class Publisher implements PublishChannelListener {
  readonly admission: Admission;
  private readonly waiting = new WaitingLine<Outgoing>();
  private readonly retries = new NackRetries();
  private model: ChannelModel | undefined;
  private channel: PublishChannel | undefined;
  /** The suspect that is under way; nothing else is sent meanwhile. */
  private alone: Outgoing | undefined;
  private lastUnconfirmed: Outgoing[] = [];
  private blocked = false;
  private refusal: DispatcherError | undefined;
  private timer: ClockTimer | undefined;
  private barrenChannels = 0;
  private serverMaxBytes = Infinity;
  private readonly refusedExchanges = new RefusedExchanges();
  private readonly stopping = makeStopper();

  constructor(
    private readonly limits: PublishingLimits,
    private readonly host: PublisherHost,
  ) {
    this.admission = new Admission(limits);
  }

  publish(message: Message, exchange: string, routingKey: string): Promise<void> {
    const outgoing = new Outgoing(message, exchange, routingKey, clock.elapsed() + this.limits.maxWaitMs);
    const { bytes } = outgoing;
    const refusal = this.refusal ?? this.admission.refusal(bytes);
    if (refusal !== undefined) return Promise.reject(refusal);
    this.admission.enter(bytes);
    this.timer ??= clock.setInterval(() => this.tick(), Math.min(100, Math.max(10, this.limits.maxWaitMs / 10)));
    if (this.waiting.length === 0 && this.canSend()) this.send(outgoing);
    else this.waiting.push(outgoing);
    return outgoing.promise;
  }

  /** @throws when the channel cannot be opened, or this was closed meanwhile; the connection is then no use */
  async connected(model: ChannelModel): Promise<void> {
    // Nobody would say any more that it is gone, and its channel would be opened again without end.
    if (this.stopping.signal.aborted) throw shutDown();
    this.model = model;
    this.blocked = false;
    this.serverMaxBytes = Infinity;
    this.refusedExchanges.forget();
    const channel = await PublishChannel.open(model, this.limits.window, this);
    if (this.model !== model) return;
    if (this.refusal?.code === this.host.unavailable().code) this.refusal = undefined;
    this.channel = channel;
    this.pump();
  }

  disconnected(code: number | undefined): void {
    this.model = undefined;
    if (this.channel !== undefined) this.closed(this.channel, { code: undefined, text: 'the connection was lost' });
    // The channel went first and did not know why: the connection's code says whether a publish did it.
    this.blame(this.lastUnconfirmed, { code, text: `the broker closed the connection with code ${code}` });
    this.lastUnconfirmed = [];
  }

  setBlocked(blocked: boolean): void {
    this.blocked = blocked;
    this.pump();
  }

  /** The connection will not come back: everything that waits rejects, and so does everything to come. */
  broken(error: DispatcherError): void {
    this.refusal ??= error;
    this.rejectAll(error);
  }

  /** Takes no more; sends what was taken and waits for its confirms, up to the limit. */
  async close(limitMs: number): Promise<void> {
    this.refusal = shutDown();
    await within(limitMs, this.admission.whenIdle());
    this.rejectAll(shutDown());
    clock.clear(this.timer);
    this.timer = undefined;
    // Or the channel's end would look like an accident, and be mended.
    this.model = undefined;
    this.stopping.abort();
    await this.channel?.close(Math.max(200, limitMs / 4));
  }

  confirmed(outgoing: Outgoing, acked: boolean): void {
    this.barrenChannels = 0;
    outgoing.suspect = false;
    if (this.alone === outgoing) this.alone = undefined;
    if (outgoing.settled) return;
    if (!acked) this.nacked(outgoing);
    else this.settle(outgoing, outgoing.returned ? unroutable(outgoing) : undefined);
  }

  confirmsTold(): void {
    if (this.waiting.length > 0) this.pump();
  }

  closed(channel: PublishChannel, closure: ChannelClosure): void {
    if (channel !== this.channel) return;
    this.channel = undefined;
    this.alone = undefined;
    this.lastUnconfirmed = channel.window.unconfirmed().filter((outgoing) => !outgoing.settled);
    this.blame(this.lastUnconfirmed, closure);
    this.waiting.putBack(this.lastUnconfirmed.filter((outgoing) => !outgoing.settled));
    const model = this.model;
    // Not at once: when the whole connection went, the news of that is on its way.
    setImmediate(() => {
      if (model !== undefined && this.model === model) void this.reopen(model, closure);
    });
  }

  warning(message: string): void {
    this.host.warning(message);
  }

  private canSend(): boolean {
    const { channel } = this;
    return channel !== undefined && !this.blocked && this.alone === undefined && channel.window.inFlight < this.limits.window && channel.window.hasRoom;
  }

  private pump(): void {
    while (this.waiting.length > 0 && this.canSend()) {
      const first = this.waiting.first() as Outgoing;
      if (!first.settled && first.suspect && (this.channel as PublishChannel).window.inFlight > 0) return;
      this.waiting.shift();
      if (!first.settled && !this.send(first)) return;
    }
  }

  private send(outgoing: Outgoing): boolean {
    if (outgoing.body.length > this.serverMaxBytes) {
      this.settle(outgoing, tooLarge(outgoing.body.length, this.serverMaxBytes, 'the broker'));
      return true;
    }
    const refused = this.refusedExchanges.find(outgoing.exchange);
    if (refused !== undefined) {
      this.settle(outgoing, killedChannel(outgoing, refused));
      return true;
    }
    const outcome = (this.channel as PublishChannel).send(outgoing);
    if (outcome === 'sent') {
      if (outgoing.suspect) this.alone = outgoing;
      return true;
    }
    if (outcome === 'gone') this.waiting.putBack([outgoing]);
    else this.settle(outgoing, invalid(outgoing, outcome));
    return outcome !== 'gone';
  }

  private settle(outgoing: Outgoing, error: DispatcherError | undefined): void {
    if (outgoing.settled) return;
    outgoing.settled = true;
    this.admission.leave(outgoing.bytes);
    if (error === undefined) outgoing.resolve();
    else outgoing.reject(error);
  }

  private nacked(outgoing: Outgoing): void {
    outgoing.nacks++;
    if (!this.retries.add(outgoing, clock.elapsed())) this.settle(outgoing, rejected(outgoing));
  }

  private blame(unconfirmed: readonly Outgoing[], closure: ChannelClosure): void {
    const oversize = oversizeIn(closure);
    if (oversize !== undefined) {
      this.serverMaxBytes = oversize.maxBytes;
      for (const one of unconfirmed) {
        if (one.body.length > oversize.maxBytes) this.settle(one, tooLarge(one.body.length, oversize.maxBytes, 'the broker'));
      }
      return;
    }
    const refused = this.refusedExchanges.note(closure, clock.elapsed());
    if (refused !== undefined) {
      for (const one of unconfirmed) if (one.exchange === refused) this.settle(one, killedChannel(one, closure));
    } else if (causedByPublish(closure)) {
      const [only] = unconfirmed;
      if (only !== undefined && unconfirmed.length === 1 && ++only.closures >= closuresToBlame(closure)) this.settle(only, killedChannel(only, closure));
      for (const one of unconfirmed) one.suspect = true;
    }
  }

  private async reopen(model: ChannelModel, closure: ChannelClosure): Promise<void> {
    while (this.model === model && !this.stopping.signal.aborted) {
      const pauseMs = REOPEN_PAUSES_MS[Math.min(this.barrenChannels++, REOPEN_PAUSES_MS.length - 1)] as number;
      await pauseUntil(pauseMs, this.stopping.signal);
      if (this.model !== model) return;
      try {
        if (closure.code === 404) await this.host.repair(model);
        const channel = await PublishChannel.open(model, this.limits.window, this);
        if (this.model !== model) return;
        this.channel = channel;
        return this.pump();
      } catch (error) {
        if (this.model === model) this.host.warning(`The publish channel could not be opened again: ${(error as Error).message}`);
      }
    }
  }

  /** Coarse on purpose: one timer for all ages, running only while something waits. */
  private tick(): void {
    const now = clock.elapsed();
    if (this.admission.isIdle) {
      clock.clear(this.timer);
      this.timer = undefined;
      return;
    }
    for (let first = this.waiting.first(); first !== undefined && (first.settled || first.deadline <= now); first = this.waiting.first()) {
      this.waiting.shift();
      this.expire(first);
    }
    const due = this.retries.takeDue(now);
    if (due.length > 0) this.waiting.putBack(due);
    const awaited = this.expireUnconfirmed(now);
    if (this.waiting.length > 0 && awaited === 0 && !this.canSend() && !this.blocked) {
      // Only given-up publishes hold the window: a new channel lets the others through.
      void this.channel?.close(1000);
    }
    this.pump();
  }

  /** How many are still waited for; `undefined` where none is unconfirmed. */
  private expireUnconfirmed(now: number): number | undefined {
    const { window } = this.channel ?? {};
    if (window === undefined || window.inFlight === 0) return undefined;
    let awaited = 0;
    window.each((one) => {
      if (one.deadline <= now) this.expire(one);
      if (!one.settled) awaited++;
    });
    return awaited;
  }

  private expire(outgoing: Outgoing): void {
    if (!outgoing.settled) this.settle(outgoing, timedOut(outgoing, this.limits.maxWaitMs, this.host.unavailable()));
  }

  private rejectAll(cause: DispatcherError): void {
    const unconfirmed = this.channel?.window.unconfirmed() ?? [];
    for (const one of [...unconfirmed, ...this.retries.takeAll(), ...this.waiting.takeAll()]) this.settle(one, abandoned(one, cause));
  }
}

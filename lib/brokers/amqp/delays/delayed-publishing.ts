import { randomUUID } from 'node:crypto';
import type { ChannelModel } from 'amqplib';
import { BrokerError, BrokerRefusedError, BrokerUnavailableError, TopologyMismatchError, UnroutableTaskError } from '../../../errors.js';
import { clock } from '../../../time/clock.js';
import type { Address, Message } from '../../broker.js';
import { pauseUntil } from '../../../time/pause-until.js';
import { makeStopper } from '../../../time/stopper.js';
import type { Publisher } from '../publishing/publisher.js';
import { withDelayed, type Delayed } from './delayed-header.js';
import type { DelayInfrastructure, Way } from './delay-infrastructure.js';
import { coarseUnits, DELAY_UNIT_MS, delayRoutingKey, delayUnits, entryLevel, FORWARDED, levelName, LONGEST_DELAY_MS, NEAR_KEY, NEAR_LARGEST_BYTES, NEAR_LONGEST_MS, nearName } from './delay-ladder.js';

/** Between two attempts to declare what is needed. */
const RETRY_MS = 100;
/** Whoever may not use the near queue asks for it again after this. */
const REFUSED_MS = 60_000;

export interface DelayedPublishingHost {
  /** The connection, once it stands. @throws BrokerUnavailableError after the limit; ShutdownError */
  connection(limitMs: number): Promise<ChannelModel>;
  /** How long a publish may take. */
  readonly maxWaitMs: number;
}

/**
 * Puts messages where they wait: into the near queue what is due soon, the rest onto the ladder. What comes out of either is
 * published by a forwarder, also what goes to one queue: were that queue bound to the ladder and full, everything else on its
 * level would stand still behind it.
 */
export class DelayedPublishing {
  private readonly stopping = makeStopper();
  /** Names this process for {@link SenderClocks}. */
  private readonly sender = randomUUID().slice(0, 8);
  private nearRefusedUntil = -Infinity;

  constructor(
    private readonly exchange: string,
    private readonly publisher: Publisher,
    private readonly infrastructure: DelayInfrastructure,
    private readonly host: DelayedPublishingHost,
  ) {}

  async publish(message: Message, address: Address, delayMs: number): Promise<void> {
    // Refused at once, before anything is declared for it.
    delayUnits(delayMs);
    const due = Math.ceil(clock.now() + delayMs) + 1;
    return this.enter(message, { due, to: address, tries: 0 }, 'queue' in address ? address.queue : undefined);
  }

  /** The connection closes: nobody waits before asking for it again, and being refused. */
  close(): void {
    this.stopping.abort();
  }

  /** To be published by a forwarder, whichever process that is. */
  sendOn(message: Message, delayed: Delayed): Promise<void> {
    return this.enter(message, delayed, undefined);
  }

  /** Where it waits, and the way out of it, must be there before the message may enter; and the `queue` that it is for. */
  private async enter(message: Message, delayed: Delayed, queue: string | undefined): Promise<void> {
    const { admission } = this.publisher;
    const bytes = message.body.length;
    const refusal = admission.refusal(bytes);
    if (refusal !== undefined) throw refusal;
    const mayBeNear = bytes <= NEAR_LARGEST_BYTES;
    const isNear = mayBeNear && delayed.due - clock.now() <= NEAR_LONGEST_MS;
    admission.enter(bytes);
    let way: Way;
    try {
      way = isNear && await this.prepareNear(queue) ? 'near' : await this.prepareLadder(queue);
    } catch (error) {
      throw queue === undefined ? error : noSuchQueue(error, queue);
    } finally {
      admission.leave(bytes);
    }
    if (way === 'ladder') return this.toLadder(message, delayed, mayBeNear);
    if (!await this.toNear(message, delayed)) {
      await this.prepareLadder(undefined);
      return this.toLadder(message, delayed, false);
    }
  }

  /** False where it may not be made, nor is there: a server's administrator, or an earlier version of this library, has made what there is. */
  private async prepareNear(queue: string | undefined): Promise<boolean> {
    if (clock.elapsed() < this.nearRefusedUntil) return false;
    try {
      await this.prepare('near', queue);
      return true;
    } catch (error) {
      if (!(error instanceof BrokerRefusedError || error instanceof TopologyMismatchError)) throw error;
      this.nearRefusedUntil = clock.elapsed() + REFUSED_MS;
      return false;
    }
  }

  private async prepareLadder(queue: string | undefined): Promise<'ladder'> {
    await this.prepare('ladder', queue);
    return 'ladder';
  }

  /** False where the near queue does not take it, because the user may not write there, or somebody has deleted it. */
  private async toNear(message: Message, delayed: Delayed): Promise<boolean> {
    const sent = { by: this.sender, at: clock.now(), ladderMs: 0 };
    try {
      await this.publisher.publish(withDelayed(message, { ...delayed, sent }), nearName(this.exchange), NEAR_KEY);
      return true;
    } catch (error) {
      if (!(error instanceof BrokerRefusedError || error instanceof UnroutableTaskError)) throw error;
      this.nearRefusedUntil = clock.elapsed() + REFUSED_MS;
      return false;
    }
  }

  private toLadder(message: Message, delayed: Delayed, mayBeNear: boolean): Promise<void> {
    // Now: whatever the preparation took is not to be waited again.
    const at = clock.now();
    const restMs = Math.min(LONGEST_DELAY_MS, Math.max(1, delayed.due - at));
    const isCoarse = mayBeNear && restMs > NEAR_LONGEST_MS;
    const units = isCoarse ? coarseUnits(restMs) : delayUnits(restMs);
    // What was rounded up is not waited by anybody again.
    const ladderMs = isCoarse ? units * DELAY_UNIT_MS : restMs;
    const sent = { by: this.sender, at, ladderMs };
    return this.publisher.publish(withDelayed(message, { ...delayed, sent }), levelName(this.exchange, entryLevel(units)), delayRoutingKey(units, FORWARDED));
  }

  /** A connection or a channel that goes meanwhile is no reason to refuse: as with any publish, the next one will do. */
  private async prepare(way: Way, queue: string | undefined): Promise<void> {
    const deadline = clock.elapsed() + this.host.maxWaitMs;
    for (;;) {
      const model = await this.host.connection(Math.max(0, deadline - clock.elapsed()));
      try {
        return await this.infrastructure.prepare(model, way, queue);
      } catch (error) {
        if (!(error instanceof BrokerUnavailableError) || this.stopping.signal.aborted || clock.elapsed() + RETRY_MS > deadline) throw error;
      }
      await pauseUntil(RETRY_MS, this.stopping.signal);
    }
  }
}

function noSuchQueue(error: unknown, queue: string): unknown {
  if (!(error instanceof BrokerError) || error.code !== 'ERR_DISPATCHER_NOT_FOUND') return error;
  return new UnroutableTaskError(`There is no queue "${queue}" to deliver to after the delay: declare it first.`, { queue });
}

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
import { delayUnits, lowestLevel, NEAR_KEY, NEAR_LARGEST_BYTES, nearName, wheelName } from './delay-ladder.js';
import { ladderEntry } from './ladder-entry.js';
import type { ServerClock } from './server-clock.js';
import { type Bucket, bucketKey, bucketOf, slotFor, type WheelShape } from './wheel/wheel-shape.js';

/** Between two attempts to declare what is needed. */
const RETRY_MS = 100;
/** Whoever may not use something asks for it again after this. */
const REFUSED_MS = 60_000;

export interface DelayedPublishingHost {
  /** The connection, once it stands. @throws BrokerUnavailableError after the limit; ShutdownError */
  connection(limitMs: number): Promise<ChannelModel>;
  /** How long a publish may take. */
  readonly maxWaitMs: number;
  readonly shape: WheelShape;
  readonly time: ServerClock;
  /** It is there, and known to all, when this resolves. @throws BrokerRefusedError where it may not be made */
  makeBucket(model: ChannelModel, bucket: Bucket): Promise<void>;
}

/** On its way to where it waits. */
interface Entrant {
  readonly message: Message;
  readonly delayed: Delayed;
  /** The queue that it is for, where somebody has to be told that there is none. */
  readonly queue?: string | undefined;
  /** It comes from whoever delays it: when it is due says our own clock. Otherwise it has waited, and that says the server's. */
  readonly isNew: boolean;
}

/**
 * Puts messages where they wait: into the near queue what is due soon, the rest into the bucket of its time. What comes out of either is
 * published by whoever takes it there, also what goes to one queue: were that queue to be reached from where they wait, a full
 * one would let everything else stand still behind it.
 */
export class DelayedPublishing {
  private readonly stopping = makeStopper();
  /** Names this process for {@link SenderClocks}. */
  private readonly sender = randomUUID().slice(0, 8);
  private readonly refusedUntil = new Map<Way | 'bucket', number>();

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
    return this.enter({ message, delayed: { due, to: address, tries: 0 }, queue: 'queue' in address ? address.queue : undefined, isNew: true });
  }

  /** The connection closes: nobody waits before asking for it again, and being refused. */
  close(): void {
    this.stopping.abort();
  }

  /** To be published by a forwarder, whichever process that is. @param delayed `due` by the server's clock */
  sendOn(message: Message, delayed: Delayed): Promise<void> {
    return this.enter({ message, delayed, isNew: false });
  }

  /** Where it waits, and the way out of it, must be there before the message may enter; and the `queue` that it is for. */
  private async enter(entrant: Entrant): Promise<void> {
    const { message: { body }, queue } = entrant;
    const { admission } = this.publisher;
    const refusal = admission.refusal(body.length);
    if (refusal !== undefined) throw refusal;
    admission.enter(body.length);
    let way: Way | Bucket;
    try {
      way = await this.preparedFor(entrant);
    } catch (error) {
      throw queue === undefined ? error : noSuchQueue(error, queue);
    } finally {
      admission.leave(body.length);
    }
    if (await this.isTaken(entrant, way)) return;
    await this.prepare('ladder', undefined);
    await this.toLadder(entrant, false);
  }

  private async preparedFor(entrant: Entrant): Promise<Way | Bucket> {
    const { message: { body }, queue } = entrant;
    if (this.bucketFor(entrant) === undefined) {
      if (body.length <= NEAR_LARGEST_BYTES) return await this.isPrepared('near', queue) ? 'near' : this.onLadder(queue);
      await this.prepare('low', queue);
      return 'low';
    }
    if (!await this.isPrepared('wheel', queue)) return this.onLadder(queue);
    // By the server's clock, which is known by now.
    const bucket = this.bucketFor(entrant);
    if (bucket === undefined) return this.preparedFor(entrant);
    const isMade = await this.isMade(bucket);
    // To make it took so long that its slot is open, or as good as open.
    const now = this.bucketFor(entrant);
    if (now === undefined || bucketKey(now) !== bucketKey(bucket)) return this.preparedFor(entrant);
    // Who takes it at the end of the ladder makes the bucket; but not again and again.
    return isMade || entrant.isNew ? bucket : this.onLadder(queue);
  }

  /** False where it may not be made, nor is there: a server's administrator, or an earlier version of this library, has made what there is. */
  private isPrepared(way: Way, queue: string | undefined): Promise<boolean> {
    return this.unlessRefused(way, () => this.prepare(way, queue));
  }

  private isMade(bucket: Bucket): Promise<boolean> {
    return this.unlessRefused('bucket', () => this.withConnection((model) => this.host.makeBucket(model, bucket)));
  }

  private async onLadder(queue: string | undefined): Promise<'ladder'> {
    await this.prepare('ladder', queue);
    return 'ladder';
  }

  /** False where the server does not take it there, because the user may not write there, or somebody has deleted it. */
  private async isTaken(entrant: Entrant, way: Way | Bucket): Promise<boolean> {
    if (way === 'ladder' || way === 'low') return this.toLadder(entrant, way === 'ladder' && entrant.message.body.length <= NEAR_LARGEST_BYTES).then(() => true);
    const [exchange, key] = way === 'near' ? [nearName(this.exchange), NEAR_KEY] : [wheelName(this.exchange), bucketKey(way as Bucket)];
    const sent = { by: this.sender, at: this.now(entrant), ladderMs: 0 };
    return this.unlessRefused(way === 'near' ? 'near' : 'wheel', () => this.publisher.publish(withDelayed(entrant.message, { ...this.delayedOf(entrant), sent }), exchange, key));
  }

  private toLadder(entrant: Entrant, isCoarse: boolean): Promise<void> {
    const delayed = this.delayedOf(entrant);
    // Now: whatever the preparation took is not to be waited again.
    const at = this.now(entrant);
    const { level, routingKey, ladderMs } = ladderEntry(this.exchange, delayed.due - at, isCoarse);
    return this.publisher.publish(withDelayed(entrant.message, { ...delayed, sent: { by: this.sender, at, ladderMs } }), level, routingKey);
  }

  private bucketFor(entrant: Entrant): Bucket | undefined {
    const { shape } = this.host;
    const slot = slotFor(shape, this.delayedOf(entrant).due, this.now(entrant), lowestLevel(entrant.message.body.length));
    return slot === undefined ? undefined : bucketOf(shape, slot);
  }

  private now({ isNew }: Entrant): number {
    const { time } = this.host;
    return isNew ? time.latest : time.earliest;
  }

  private delayedOf({ delayed, isNew }: Entrant): Delayed {
    return isNew ? { ...delayed, due: this.host.time.latestOf(delayed.due) } : delayed;
  }

  private async unlessRefused(what: Way | 'bucket', use: () => Promise<void>): Promise<boolean> {
    if (clock.elapsed() < (this.refusedUntil.get(what) ?? -Infinity)) return false;
    try {
      await use();
      return true;
    } catch (error) {
      if (!(error instanceof BrokerRefusedError || error instanceof TopologyMismatchError || error instanceof UnroutableTaskError)) throw error;
      this.refusedUntil.set(what, clock.elapsed() + REFUSED_MS);
      return false;
    }
  }

  private prepare(way: Way, queue: string | undefined): Promise<void> {
    return this.withConnection(async (model) => {
      if (way === 'wheel') await this.host.time.known(model);
      await this.infrastructure.prepare(model, way, queue);
    });
  }

  /** A connection or a channel that goes meanwhile is no reason to refuse: as with any publish, the next one will do. */
  private async withConnection(use: (model: ChannelModel) => Promise<void>): Promise<void> {
    const deadline = clock.elapsed() + this.host.maxWaitMs;
    for (;;) {
      const model = await this.host.connection(Math.max(0, deadline - clock.elapsed()));
      try {
        return await use(model);
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

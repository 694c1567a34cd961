import type { ChannelModel } from 'amqplib';
import { BrokerRefusedError, UnroutableTaskError } from '../../../../errors.js';
import type { Message } from '../../../broker.js';
import { browseQueue } from '../../browsing/browse-queue.js';
import type { QuestionChannels } from '../../browsing/question-channels.js';
import { clock } from '../../../../time/clock.js';
import { declarationFailure } from '../../topology/declaration-failure.js';
import { wheelName } from '../delay-ladder.js';
import { bindBucket, declareWheel, makeBucket } from './wheel-infrastructure.js';
import { type Bucket, bucketKey, readBucketKey, type WheelShape } from './wheel-shape.js';

/** What strays meanwhile was sent before. */
const JUST_NOW_MS = 1_000;

export interface DirectoryHost {
  /** Publishes to a queue. Resolves when that is confirmed. */
  publish(message: Message, queue: string): Promise<void>;
  /** It was noted by this process. */
  made(bucket: Bucket): void;
}

/**
 * Which buckets an exchange has. Each has a note in a durable queue that nobody consumes; a bucket is noted before anything can
 * enter it, so who reads the notes knows of every bucket that holds something. How many notes there are
 * tells whether there is anything new to read.
 */
export class BucketDirectory {
  private readonly buckets = new Map<string, Bucket>();
  private readonly made = new Map<string, { readonly at: number; readonly promise: Promise<void> }>();
  private madeFor: ChannelModel | undefined;
  private reading: Promise<boolean> | undefined;
  private seen = 0;
  private readonly queue: string;

  constructor(private readonly exchange: string, private readonly shape: WheelShape, private readonly channels: QuestionChannels, private readonly host: DirectoryHost) {
    this.queue = wheelName(exchange);
  }

  get known(): readonly Bucket[] {
    return [...this.buckets.values()];
  }

  /** Is there, noted and reached by its key when this resolves. @throws BrokerRefusedError where it may not be made */
  async make(model: ChannelModel, bucket: Bucket): Promise<void> {
    if (this.madeFor !== model) {
      this.madeFor = model;
      this.made.clear();
    }
    const key = bucketKey(bucket);
    let made = this.made.get(key);
    if (made === undefined) {
      made = { at: clock.elapsed(), promise: this.makeOnce(model, bucket, key) };
      this.made.set(key, made);
      made.promise.catch(() => this.made.delete(key));
    }
    await made.promise;
  }

  /** Something that was for it found none: it is made again where it was not made just now. */
  strayed(key: string): void {
    const made = this.made.get(key);
    if (made !== undefined && clock.elapsed() - made.at > JUST_NOW_MS) this.made.delete(key);
  }

  /** Somebody has deleted something: buckets are made again where they are needed. */
  forget(): void {
    this.made.clear();
  }

  /** It is not there any more; should it come back, it is noted anew. */
  remove(bucket: Bucket): void {
    const key = bucketKey(bucket);
    this.buckets.delete(key);
    this.made.delete(key);
  }

  /** Reads what is new; where somebody has deleted the notes, those who know a bucket write them again. */
  async refresh(model: ChannelModel): Promise<void> {
    if (!await this.read(model)) await this.writeAgain(model);
  }

  /** Reads what is new. False where there are no notes at all, nor their queue. */
  read(model: ChannelModel): Promise<boolean> {
    return (this.reading ??= this.readOnce(model).finally(() => { this.reading = undefined; }));
  }

  /** Where there are more than were read. Who reads at the same time may have some of them in hand: then there are more the next time. */
  private async readOnce(model: ChannelModel): Promise<boolean> {
    const count = await this.count(model);
    if (count === undefined || count <= this.seen) return count !== undefined;
    const { visited } = await browseQueue(model, this.queue, ({ body }) => {
      const bucket = readBucketKey(this.shape, body.toString());
      if (bucket !== undefined) this.buckets.set(bucketKey(bucket), bucket);
      return 'keep';
    }, {}, (message, queue) => this.host.publish(message, queue));
    this.seen = visited;
    return true;
  }

  private async makeOnce(model: ChannelModel, bucket: Bucket, key: string): Promise<void> {
    try {
      await makeBucket(model, this.exchange, key);
      // Notes are kept for good: what others have noted is not noted again by each process that starts. Who may not read them, notes it.
      if (!this.buckets.has(key)) await this.read(model).catch(() => false);
      if (!this.buckets.has(key)) await this.note(model, bucket, key);
      await bindBucket(model, this.exchange, key);
    } catch (error) {
      // Whoever may make none uses what others have made.
      if (!(error instanceof BrokerRefusedError && this.buckets.has(key))) throw error;
    }
  }

  private async note(model: ChannelModel, bucket: Bucket, key: string): Promise<void> {
    const note = { body: Buffer.from(key), properties: { contentType: 'text/plain' } };
    try {
      await this.host.publish(note, this.queue);
    } catch (error) {
      if (!(error instanceof UnroutableTaskError)) throw error;
      await declareWheel(model, this.exchange);
      await this.host.publish(note, this.queue);
    }
    this.buckets.set(key, bucket);
    this.host.made(bucket);
  }

  private async writeAgain(model: ChannelModel): Promise<void> {
    await declareWheel(model, this.exchange);
    this.seen = 0;
    for (const bucket of this.known) await this.note(model, bucket, bucketKey(bucket));
  }

  /** `undefined`: there is no such queue. */
  private async count(model: ChannelModel): Promise<number | undefined> {
    try {
      return await this.channels.ask(model, async (channel) => (await channel.checkQueue(this.queue)).messageCount);
    } catch (error) {
      if ((error as { code?: unknown }).code === 404) return undefined;
      throw declarationFailure(error, `queue "${this.queue}"`);
    }
  }
}

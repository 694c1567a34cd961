import type { ChannelModel } from 'amqplib';
import { clock } from '../../../../time/clock.js';
import type { QuestionChannels } from '../../browsing/question-channels.js';
import { bucketName } from '../delay-ladder.js';
import { LONGEST_RETRY_MS } from '../forwarding.js';
import type { BucketDirectory } from './bucket-directory.js';
import { BucketVisit, type VisitHost } from './bucket-visit.js';
import { firstLook, nextLook } from './look-times.js';
import { type Bucket, bucketKey } from './wheel-shape.js';

/** How soon a process knows of a bucket that another has made. */
const NEWS_EVERY_MS = 5_000;
/** Processes look one after the other: who comes later finds that others have it in hand. */
const APART_MS = 200;
/** Each is a channel. The others have their turn a moment later. */
const MOST_VISITS = 24;
const FULL_PAUSE_MS = 50;
/**
 * What was published before a connection broke is sent again on the next one, into the bucket that was right when it was first sent,
 * whose slot may have closed meanwhile: so long after each connection all buckets are looked into once more, up to when nobody sends it any more.
 */
const AGAIN_AFTER_MS = [1_500, 4_000, 12_000, 40_000] as const;

export interface WheelKeeperHost extends Omit<VisitHost, 'ended' | 'declare'> {
  readonly directory: BucketDirectory;
  readonly channels: QuestionChannels;
  /** What the wheel needs, before its notes are read. */
  declare(model: ChannelModel): Promise<void>;
}

/**
 * Looks into the buckets when their slots open, in every process; and once into each on every connection, since nobody may have been there
 * when its slot was open.
 */
export class WheelKeeper {
  /** By the clock that nobody sets. */
  private newsAt = -Infinity;
  /** By the server's clock, for each bucket that is known. */
  private readonly looks = new Map<string, number>();
  private readonly visits = new Map<string, BucketVisit>();
  private model: ChannelModel | undefined;
  /** When all are looked into once more, by the clock that nobody sets. */
  private again: number[] = [];
  private running: Promise<void> | undefined;
  private wake: (() => void) | undefined;
  private isDeclared = false;
  private failures = 0;
  private lastWarning = '';

  constructor(private readonly host: WheelKeeperHost) {}

  /** How many are in hand: the broker counts them no more. */
  get count(): number {
    return [...this.visits.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** Goes on in the background for as long as there is a connection to hope for. Idempotent. */
  start(): void {
    if (!this.host.forwarding.signal.aborted) this.running ??= this.run().finally(() => { this.running = undefined; });
  }

  /** This process has made it: nothing was in it before. */
  made(bucket: Bucket): void {
    const { shape, time } = this.host;
    this.looks.set(bucketKey(bucket), firstLook(shape, bucket, time.earliest));
    this.wake?.();
  }

  /** Looks into none any more. */
  stop(): void {
    this.wake?.();
  }

  /** What is in hand goes back to its bucket, for another process. */
  async close(): Promise<void> {
    this.stop();
    await this.running;
    await Promise.all([...this.visits.values()].map((visit) => visit.end()));
  }

  private async run(): Promise<void> {
    const { forwarding: { signal, host } } = this.host;
    while (!signal.aborted) {
      let model: ChannelModel;
      try {
        model = await host.connection();
      } catch {
        // No connection, and none to come: the next one to start, starts again.
        return;
      }
      await this.turn(model);
      if (host.isConnected()) await this.pause();
    }
  }

  private async turn(model: ChannelModel): Promise<void> {
    const { directory, time, forwarding: { signal } } = this.host;
    if (model !== this.model) await this.begin(model);
    if ((this.again[0] ?? Infinity) <= clock.elapsed()) {
      this.again.shift();
      this.looks.clear();
    }
    // Beside the looks, which must not wait for it.
    if (clock.elapsed() >= this.newsAt) void this.news(model);
    for (const bucket of directory.known) {
      const key = bucketKey(bucket);
      if (signal.aborted || this.visits.size >= MOST_VISITS) return;
      if ((this.looks.get(key) ?? -Infinity) <= time.earliest) await this.tolerating(() => this.look(model, bucket, key));
    }
  }

  /** On each connection into each bucket: its slot may have been open while nobody was there. */
  private async begin(model: ChannelModel): Promise<void> {
    await this.host.time.known(model);
    this.looks.clear();
    this.isDeclared = false;
    this.newsAt = -Infinity;
    this.model = model;
    this.again = AGAIN_AFTER_MS.map((ms) => clock.elapsed() + ms);
  }

  /** Where the notes cannot be read, what is known of buckets holds. */
  private async news(model: ChannelModel): Promise<void> {
    const { directory } = this.host;
    this.newsAt = Infinity;
    const isRead = await this.tolerating(async () => {
      if (!this.isDeclared) await this.host.declare(model);
      this.isDeclared = true;
      await directory.refresh(model);
    });
    this.failures = isRead ? 0 : this.failures + 1;
    this.newsAt = clock.elapsed() + (isRead ? NEWS_EVERY_MS : Math.min(LONGEST_RETRY_MS, NEWS_EVERY_MS * 2 ** Math.min(this.failures, 10)));
    // What is known only now is looked into.
    this.wake?.();
  }

  private async tolerating(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      const { forwarding: { signal, host } } = this.host;
      if (!signal.aborted && host.isConnected()) this.warnOnce(`The buckets of delayed tasks cannot be looked into by this process; this is tried again. ${(error as Error).message}`);
      return false;
    }
  }

  private async look(model: ChannelModel, bucket: Bucket, key: string): Promise<void> {
    const { shape, time, directory, exchange, channels, forwarding } = this.host;
    this.looks.set(key, nextLook(shape, bucket, time.earliest) + forwarding.host.random() * APART_MS);
    if (this.visits.has(key)) return;
    try {
      const { messageCount } = await channels.ask(model, (channel) => channel.checkQueue(bucketName(exchange, key)));
      if (messageCount > 0) this.visit(bucket, key);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 404) throw error;
      directory.remove(bucket);
      this.looks.delete(key);
    }
  }

  private visit(bucket: Bucket, key: string): void {
    const { directory } = this.host;
    const visit = new BucketVisit(bucket, {
      ...this.host, declare: (model, lost) => directory.make(model, lost), ended: () => this.visits.delete(key),
    });
    this.visits.set(key, visit);
    visit.start();
  }

  private pause(): Promise<void> {
    const { time, directory, forwarding: { signal } } = this.host;
    // What has come to be known meanwhile is looked into now.
    const first = directory.known.length > this.looks.size ? 0 : Math.min(...this.looks.values(), Infinity) - time.earliest;
    const pauseMs = this.visits.size >= MOST_VISITS ? FULL_PAUSE_MS : Math.max(0, Math.min(first, Math.min(this.newsAt, this.again[0] ?? Infinity) - clock.elapsed(), NEWS_EVERY_MS));
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        clock.clear(timer);
        this.wake = undefined;
        resolve();
      };
      const timer = clock.setTimeout(done, Math.ceil(pauseMs));
      this.wake = done;
    });
  }

  private warnOnce(message: string): void {
    if (message === this.lastWarning) return;
    this.lastWarning = message;
    this.host.forwarding.host.warn(message);
  }
}

import { BrokerUnavailableError, type DispatcherError } from '../../errors.js';
import { BatchLine } from '../../redis/batch-line.js';
import { clock, type ClockTimer } from '../../time/clock.js';
import { within } from '../../time/within.js';
import type { Address } from '../broker.js';
import { abandoned, bufferFull, closedError, rejected, timedOut, type Published } from './publish-errors.js';
import type { RedisPublishingLimits } from './redis-broker-options.js';
import type { RedisSession } from './redis-session.js';

const BATCHES = { most: 500, mostBytes: 1024 * 1024, mostUnderWay: 4 };
/** What a message takes beside its own bytes, roughly. */
const OVERHEAD_BYTES = 512;
const LOOK_MS = 1_000;
const BLOCKED_PAUSE_MS = 500;

export interface OutgoingLineHost {
  /** Why nothing can be sent now. */
  unavailable(): DispatcherError;
  /** Redis takes nothing for now; `undefined`: it does again. */
  blocked(reason: string | undefined): void;
}

/** One publish, until it is settled. */
export class Outgoing<Content> implements Published {
  settled = false;
  sent = false;

  constructor(
    readonly address: Address,
    readonly messageId: string | undefined,
    readonly content: Content,
    readonly bytes: number,
    /** By the clock that nobody sets; 0: not delayed. */
    private readonly dueAt: number,
    readonly deadline: number,
    readonly resolve: () => void,
    readonly reject: (error: Error) => void,
  ) {}

  get isDelayed(): boolean { return this.dueAt > 0; }

  /** What is left of its delay when it is sent; the rest has passed already. */
  get delayMs(): number { return this.isDelayed ? Math.max(0, this.dueAt - clock.elapsed()) : 0; }
}

/** What is to be published, in order and within limits. What is unanswered when the connection goes is sent again on the next one. */
export abstract class OutgoingLine<Content> {
  private readonly line: BatchLine<Outgoing<Content>>;
  /** In the order of their deadlines. */
  private readonly open = new Set<Outgoing<Content>>();
  private bytes = 0;
  private session: RedisSession | undefined;
  private refusal: DispatcherError | undefined;
  private blockedBy: DispatcherError | undefined;
  private pause: ClockTimer | undefined;
  private look: ClockTimer | undefined;

  constructor(private readonly limits: RedisPublishingLimits, private readonly lineHost: OutgoingLineHost) {
    this.line = new BatchLine(BATCHES, {
      send: (batch) => this.send(batch),
      canSend: () => this.session !== undefined && this.pause === undefined,
      bytesOf: (outgoing) => outgoing.bytes,
    });
  }

  /** Resolves, for each of a batch, to why it was not taken, or to `undefined`. Rejects with errors of this library where none was. */
  protected abstract call(session: RedisSession, batch: readonly Outgoing<Content>[]): Promise<readonly (DispatcherError | undefined)[]>;

  /** Why nothing of this size is taken now. */
  protected refuses(bytes: number): DispatcherError | undefined {
    return this.refusal ?? this.full(bytes + OVERHEAD_BYTES);
  }

  /** Resolves when Redis has it. */
  protected add(published: Published, content: Content, contentBytes: number, delayMs: number): Promise<void> {
    const now = clock.elapsed();
    return new Promise((resolve, reject) => {
      const outgoing = new Outgoing(published.address, published.messageId, content, contentBytes + OVERHEAD_BYTES, delayMs > 0 ? now + delayMs : 0, now + this.limits.maxWaitMs, resolve, reject);
      this.open.add(outgoing);
      this.bytes += outgoing.bytes;
      this.line.add(outgoing);
      this.look ??= clock.setInterval(() => this.lookForLate(), LOOK_MS);
    });
  }

  connected(session: RedisSession): void {
    this.session = session;
    this.refusal = undefined;
    this.line.schedule();
  }

  disconnected(): void {
    this.session = undefined;
  }

  /** The connection is not made again. */
  broken(error: DispatcherError): void {
    this.session = undefined;
    this.refusal = error;
    this.rejectAll(error);
  }

  async close(limitMs: number): Promise<void> {
    this.refusal = closedError();
    await within(limitMs, this.line.idle());
    this.rejectAll(this.refusal);
    this.session = undefined;
    clock.clear(this.pause);
    clock.clear(this.look);
  }

  private full(bytes: number): DispatcherError | undefined {
    const { maxWaitingTasks, maxWaitingBytes } = this.limits;
    // One always fits, however large it is.
    if (this.open.size < maxWaitingTasks && (this.open.size === 0 || this.bytes + bytes <= maxWaitingBytes)) return undefined;
    return bufferFull(this.open.size, this.bytes, this.limits);
  }

  private async send(all: readonly Outgoing<Content>[]): Promise<void> {
    const batch = all.filter(({ settled }) => !settled);
    if (batch.length === 0) return;
    if (this.session === undefined) throw this.lineHost.unavailable();
    for (const outgoing of batch) outgoing.sent = true;
    let refusals: readonly (DispatcherError | undefined)[];
    try {
      refusals = await this.call(this.session, batch);
    } catch (error) {
      return this.failed(batch, error as DispatcherError);
    }
    this.setBlocked(undefined);
    for (const [index, outgoing] of batch.entries()) this.settle(outgoing, refusals[index]);
  }

  /** @throws what says that the batch is to be sent again */
  private failed(batch: readonly Outgoing<Content>[], error: DispatcherError): void {
    if (error instanceof BrokerUnavailableError) throw error;
    if (error.retryable) {
      this.setBlocked(error);
      throw error;
    }
    for (const outgoing of batch) this.settle(outgoing, rejected(outgoing, error));
  }

  private setBlocked(error: DispatcherError | undefined): void {
    if (error !== undefined) {
      this.pause ??= clock.setTimeout(() => {
        this.pause = undefined;
        this.line.schedule();
      }, BLOCKED_PAUSE_MS);
    }
    if ((error === undefined) === (this.blockedBy === undefined)) return;
    this.blockedBy = error;
    this.lineHost.blocked(error?.message);
  }

  private lookForLate(): void {
    const now = clock.elapsed();
    for (const outgoing of this.open) {
      if (outgoing.deadline > now) return;
      this.settle(outgoing, timedOut(outgoing, outgoing.sent, this.limits.maxWaitMs, this.session === undefined ? this.lineHost.unavailable() : this.blockedBy));
    }
    this.line.takeWaiting(({ settled }) => settled);
  }

  private rejectAll(error: DispatcherError): void {
    for (const outgoing of this.open) this.settle(outgoing, abandoned(outgoing, outgoing.sent, error));
    this.line.takeWaiting();
  }

  private settle(outgoing: Outgoing<Content>, error: Error | undefined): void {
    if (outgoing.settled) return;
    outgoing.settled = true;
    this.open.delete(outgoing);
    this.bytes -= outgoing.bytes;
    if (error === undefined) outgoing.resolve();
    else outgoing.reject(error);
    if (this.open.size > 0) return;
    clock.clear(this.look);
    this.look = undefined;
  }
}

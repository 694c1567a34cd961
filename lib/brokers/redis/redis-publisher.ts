import { BrokerUnavailableError, type DispatcherError } from '../../errors.js';
import { keyWithoutLevel } from '../../task/queue-lines.js';
import { clock, type ClockTimer } from '../../time/clock.js';
import { within } from '../../time/within.js';
import type { Address, Message } from '../broker.js';
import { BatchLine } from '../../redis/batch-line.js';
import { encodeMessage } from './message-record.js';
import { abandoned, bufferFull, closedError, rejected, timedOut, unroutable, unwritable, type Published } from './publish-errors.js';
import type { RedisPublishingLimits } from './redis-broker-options.js';
import type { RedisSession } from './redis-session.js';
import { PUBLISH } from './scripts/publish.js';

export interface PublisherHost {
  readonly exchange: string;
  /** Why nothing can be sent now. */
  unavailable(): DispatcherError;
  /** Redis takes nothing for now; `undefined`: it does again. */
  blocked(reason: string | undefined): void;
  /** A delayed message was taken that is due in so many milliseconds. */
  delayed(delayMs: number): void;
}

const BATCHES = { most: 500, mostBytes: 1024 * 1024, mostUnderWay: 4 };
/** What a message takes beside its own bytes, roughly. */
const OVERHEAD_BYTES = 512;
const LOOK_MS = 1_000;
const BLOCKED_PAUSE_MS = 500;

class Outgoing implements Published {
  settled = false;
  sent = false;

  constructor(
    readonly address: Address,
    readonly messageId: string | undefined,
    readonly plainKey: string,
    readonly record: Buffer,
    /** By the clock that nobody sets; 0: not delayed. */
    readonly dueAt: number,
    readonly deadline: number,
    readonly resolve: () => void,
    readonly reject: (error: Error) => void,
  ) {}

  get bytes(): number {
    return this.record.length + OVERHEAD_BYTES;
  }

  /** What is left of its delay when it is sent; the rest has passed already. */
  get delayMs(): number {
    return this.dueAt === 0 ? 0 : Math.max(1, Math.ceil(this.dueAt - clock.elapsed()));
  }
}

/** All publishes of a broker. What is unanswered when the connection goes is sent again on the next one. */
export class RedisPublisher {
  private readonly line: BatchLine<Outgoing>;
  /** In the order of their deadlines. */
  private readonly open = new Set<Outgoing>();
  private bytes = 0;
  private session: RedisSession | undefined;
  private refusal: DispatcherError | undefined;
  private blockedBy: DispatcherError | undefined;
  private pause: ClockTimer | undefined;
  private look: ClockTimer | undefined;

  constructor(private readonly limits: RedisPublishingLimits, private readonly host: PublisherHost) {
    this.line = new BatchLine(BATCHES, {
      send: (batch) => this.send(batch),
      canSend: () => this.session !== undefined && this.pause === undefined,
      bytesOf: (outgoing) => outgoing.bytes,
    });
  }

  publish(message: Message, address: Address, delayMs: number): Promise<void> {
    const refusal = this.refusal ?? this.full(message.body.length + OVERHEAD_BYTES);
    if (refusal !== undefined) return Promise.reject(refusal);
    const { messageId, headers } = message.properties;
    let record: Buffer;
    try {
      record = encodeMessage(message, address);
    } catch (error) {
      return Promise.reject(unwritable({ address, messageId }, error));
    }
    const plainKey = delayMs > 0 && 'routingKey' in address ? keyWithoutLevel(address.routingKey, headers) ?? '' : '';
    const now = clock.elapsed();
    return new Promise((resolve, reject) => {
      const outgoing = new Outgoing(address, messageId, plainKey, record, delayMs > 0 ? now + delayMs : 0, now + this.limits.maxWaitMs, resolve, reject);
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

  private async send(all: readonly Outgoing[]): Promise<void> {
    const batch = all.filter(({ settled }) => !settled);
    const { session } = this;
    if (batch.length === 0) return;
    if (session === undefined) throw this.host.unavailable();
    try {
      this.answered(batch, await session.call<string>(PUBLISH, batch.flatMap((outgoing) => argumentsOf(outgoing))));
    } catch (error) {
      this.failed(batch, error as DispatcherError);
    }
  }

  private answered(batch: readonly Outgoing[], outcomes: string): void {
    this.setBlocked(undefined);
    let soonest = Infinity;
    for (const [index, outgoing] of batch.entries()) {
      const isTaken = outcomes[index] === 'y';
      if (isTaken && outgoing.dueAt > 0) soonest = Math.min(soonest, outgoing.delayMs);
      this.settle(outgoing, isTaken ? undefined : unroutable(this.host.exchange, outgoing.address));
    }
    if (soonest < Infinity) this.host.delayed(soonest);
  }

  /** @throws what says that the batch is to be sent again */
  private failed(batch: readonly Outgoing[], error: DispatcherError): void {
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
    this.host.blocked(error?.message);
  }

  private lookForLate(): void {
    const now = clock.elapsed();
    for (const outgoing of this.open) {
      if (outgoing.deadline > now) return;
      this.settle(outgoing, timedOut(outgoing, outgoing.sent, this.limits.maxWaitMs, this.session === undefined ? this.host.unavailable() : this.blockedBy));
    }
    this.line.takeWaiting(({ settled }) => settled);
  }

  private rejectAll(error: DispatcherError): void {
    for (const outgoing of this.open) this.settle(outgoing, abandoned(outgoing, outgoing.sent, error));
    this.line.takeWaiting();
  }

  private settle(outgoing: Outgoing, error: Error | undefined): void {
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

function argumentsOf(outgoing: Outgoing): (string | Buffer)[] {
  outgoing.sent = true;
  const { address, plainKey, record } = outgoing;
  const [kind, name] = 'queue' in address ? ['q', address.queue] : ['k', address.routingKey];
  return [kind, name, plainKey, String(outgoing.delayMs), record];
}

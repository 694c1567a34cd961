import { BrokerUnavailableError, type DispatcherError } from '../../../errors.js';
import { clock, type ClockTimer } from '../../../time/clock.js';
import { within } from '../../../time/within.js';
import type { Message } from '../../broker.js';
import { BatchLine } from '../../../redis/batch-line.js';
import { abandoned, bufferFull, closedError, rejected, timedOut, unwritable, type Published } from '../publish-errors.js';
import type { RedisPublishingLimits } from '../redis-broker-options.js';
import type { RedisSession } from '../redis-session.js';
import type { ForeignPlace } from './foreign-register.js';
import type { Put } from './peer.js';
import { FOREIGN_PUT } from './put-scripts.js';

export interface ForeignPublisherHost {
  /** Why nothing can be sent now. */
  unavailable(): DispatcherError;
  /** It is there now, or due in so many milliseconds. */
  added(queue: string, delayMs: number): void;
}

const BATCHES = { most: 500, mostBytes: 1024 * 1024, mostUnderWay: 4 };
const BLOCKED_PAUSE_MS = 500;
const LOOK_MS = 1_000;

class Outgoing implements Published {
  settled = false;
  sent = false;

  constructor(
    readonly address: { readonly queue: string }, readonly messageId: string | undefined, readonly put: Put,
    /** By the clock that nobody sets; 0: not delayed. */
    readonly dueAt: number, readonly deadline: number, readonly resolve: () => void, readonly reject: (error: Error) => void,
  ) {}

  get bytes(): number { return this.put.element.length; }

  /** What is left of its delay when it is sent; the rest has passed already. */
  get delayMs(): number { return this.dueAt === 0 ? 0 : Math.max(0, this.dueAt - clock.elapsed()); }
}

/** Publishes to queues of other systems. What is unanswered when the connection goes is sent again on the next one. */
export class ForeignPublisher {
  private readonly line: BatchLine<Outgoing>;
  /** In the order of their deadlines. */
  private readonly open = new Set<Outgoing>();
  private bytes = 0;
  private session: RedisSession | undefined;
  private refusal: DispatcherError | undefined;
  private isResting = false;
  private look: ClockTimer | undefined;

  constructor(private readonly limits: RedisPublishingLimits, private readonly host: ForeignPublisherHost) {
    this.line = new BatchLine(BATCHES, { send: (batch) => this.send(batch), canSend: () => this.session !== undefined && !this.isResting, bytesOf: ({ bytes }) => bytes });
  }

  publish(message: Message, queue: string, place: ForeignPlace, delayMs: number): Promise<void> {
    const { messageId } = message.properties;
    const refusal = this.refusal ?? this.full(message.body.length);
    if (refusal !== undefined) return Promise.reject(refusal);
    let put: Put;
    try {
      put = place.peer.put(message, place, delayMs > 0, clock.now());
    } catch (error) {
      return Promise.reject(unwritable({ address: { queue }, messageId }, error));
    }
    return new Promise((resolve, reject) => {
      const now = clock.elapsed();
      const outgoing = new Outgoing({ queue }, messageId, put, delayMs > 0 ? now + delayMs : 0, now + this.limits.maxWaitMs, resolve, reject);
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
  }

  private full(bytes: number): DispatcherError | undefined {
    const { maxWaitingTasks, maxWaitingBytes } = this.limits;
    if (this.open.size < maxWaitingTasks && (this.open.size === 0 || this.bytes + bytes <= maxWaitingBytes)) return undefined;
    return bufferFull(this.open.size, this.bytes, this.limits);
  }

  private async send(all: readonly Outgoing[]): Promise<void> {
    const batch = all.filter(({ settled }) => !settled);
    if (batch.length === 0) return;
    if (this.session === undefined) throw this.host.unavailable();
    try {
      await this.session.call(FOREIGN_PUT, batch.flatMap(argumentsOf));
    } catch (error) {
      this.failed(batch, error as DispatcherError);
      return;
    }
    for (const outgoing of batch) {
      this.settle(outgoing);
      this.host.added(outgoing.address.queue, outgoing.delayMs);
    }
  }

  /** @throws what says that the batch is to be sent again */
  private failed(batch: readonly Outgoing[], error: DispatcherError): void {
    if (error instanceof BrokerUnavailableError) throw error;
    if (error.retryable) {
      this.rest();
      throw error;
    }
    for (const outgoing of batch) this.settle(outgoing, rejected(outgoing, error));
  }

  /** It takes nothing for now. */
  private rest(): void {
    if (this.isResting) return;
    this.isResting = true;
    clock.setTimeout(() => {
      this.isResting = false;
      this.line.schedule();
    }, BLOCKED_PAUSE_MS).unref();
  }

  private lookForLate(): void {
    const now = clock.elapsed();
    for (const outgoing of this.open) {
      if (outgoing.deadline > now) return;
      this.settle(outgoing, timedOut(outgoing, outgoing.sent, this.limits.maxWaitMs, this.session === undefined ? this.host.unavailable() : undefined));
    }
    this.line.takeWaiting(({ settled }) => settled);
  }

  private rejectAll(error: DispatcherError): void {
    for (const outgoing of this.open) this.settle(outgoing, abandoned(outgoing, outgoing.sent, error));
    this.line.takeWaiting();
  }

  private settle(outgoing: Outgoing, error?: Error): void {
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
  const { to, key, end = '', unit = 's', known, element } = outgoing.put;
  return [to, key, end, unit, String(outgoing.delayMs), known?.key ?? '', known?.member ?? '', element];
}

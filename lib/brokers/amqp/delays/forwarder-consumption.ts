import type { ChannelModel } from 'amqplib';
import { pauseUntil } from '../../../time/pause-until.js';
import { makeStopper } from '../../../time/stopper.js';
import { exponentialPause } from '../../connection/reconnection-policy.js';
import { AmqpConsumption } from '../consuming/amqp-consumption.js';
import type { AmqpDelivery } from '../consuming/amqp-delivery.js';
import { FIRST_RETRY_MS, type Forwarding, LONGEST_RETRY_MS } from './forwarding.js';

export interface ForwarderQueue {
  readonly name: string;
  readonly prefetch: number;
  /** See {@link ConsumeOptions.running}. */
  readonly running?: number;
  /** False where this server has no such queues. Default: each has. */
  readonly isThere?: (model: ChannelModel) => boolean;
  /** It is consumed from now on. */
  readonly opened?: () => void;
  /** Makes the queue, and what it needs. */
  readonly declare: (model: ChannelModel) => Promise<void>;
}

/** A queue of ours that every process consumes, so that one is always there: from its start until it is stopped. */
export class ForwarderConsumption {
  private opening: Promise<void> | undefined;
  private consumption: AmqpConsumption | undefined;
  private lastWarning = '';
  /** Of this one alone; all end with the forwarding. */
  private readonly stopping = makeStopper();

  constructor(
    private readonly forwarding: Forwarding,
    private readonly queue: ForwarderQueue,
    private readonly onDelivery: (delivery: AmqpDelivery) => void,
  ) {}

  /** See {@link AmqpConsumption.outstanding}. */
  get outstanding(): number {
    return this.consumption?.outstanding ?? 0;
  }

  /** Goes on in the background until it consumes; tries for as long as there is a connection to hope for. Idempotent. */
  start(): void {
    if (this.isOver || this.opening !== undefined) return;
    this.opening = this.open();
  }

  setPrefetch(prefetch: number): void {
    void this.consumption?.setPrefetch(prefetch, this.queue.running);
  }

  /** Takes no more. */
  stop(): void {
    this.stopping.abort();
    void this.consumption?.stop();
  }

  /** What is not forwarded by now goes back to its queue, for another process. */
  async close(): Promise<void> {
    this.stop();
    await this.opening;
    await this.consumption?.close();
  }

  private async open(): Promise<void> {
    const { forwarding: { host }, stopping: { signal } } = this;
    for (let failures = 0; !this.isOver; failures++) {
      try {
        await host.connection();
      } catch {
        // No connection, and none to come: the next one to start, starts again.
        this.opening = undefined;
        return;
      }
      try {
        await this.consume();
        return;
      } catch (error) {
        if (!this.isOver) this.warnOnce(`What is due cannot be forwarded by this process; this is tried again. ${(error as Error).message}`);
        await pauseUntil(exponentialPause(failures, FIRST_RETRY_MS, LONGEST_RETRY_MS, () => host.random()), signal);
      }
    }
  }

  private async consume(): Promise<void> {
    const { forwarding: { host }, queue: { name, prefetch, running, declare, isThere, opened } } = this;
    const model = await host.connection();
    if (isThere?.(model) === false) return;
    await declare(model);
    if (this.isOver) return;
    const consumption = new AmqpConsumption(name, { tag: 'dispatcher-delays', prefetch, running }, this.onDelivery, {
      connection: (limitMs) => host.connection(limitMs),
      isConnected: () => host.isConnected(),
      redeclare: declare,
      emit: (event) => host.emit(event),
      random: () => host.random(),
      ended: () => undefined,
    });
    this.consumption = consumption;
    await consumption.start(LONGEST_RETRY_MS);
    opened?.();
  }

  private get isOver(): boolean {
    return this.forwarding.signal.aborted || this.stopping.signal.aborted;
  }

  private warnOnce(message: string): void {
    if (message === this.lastWarning) return;
    this.lastWarning = message;
    this.forwarding.host.warn(message);
  }
}

import type { Broker, Delivery, Message, PublishOptions, Topology } from '../brokers/broker.js';
import { InvalidTaskError, UnroutableTaskError } from '../errors.js';
import type { TaskHeaders } from '../task/task.js';
import { pauseUntil } from './pause-until.js';
import { deadLetterMessage, forwardedHeaders, withoutSendersHeaders, type DeathCertificate } from './dead-letter.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Records what became of a delivery where that means publishing: first the confirm, then, by the
 * caller, the acknowledgement. A crash in between repeats the record and loses nothing.
 */
export class Settler {
  constructor(
    private readonly broker: Broker,
    private readonly topology: Topology,
    private readonly deadLetterQueue: string,
    private readonly stopped: AbortSignal,
    private readonly onProblem: (message: string, error: unknown) => void,
  ) {}

  /** True once the dead letter is in its queue; false when the worker was stopped before that. */
  deadLetter(delivery: Delivery, death: DeathCertificate): Promise<boolean> {
    return this.publishUntilTaken(deadLetterMessage(delivery, death), this.deadLetterQueue);
  }

  /** True once the task waits in this queue too, as it is; false when the worker was stopped before that. */
  move(delivery: Delivery, queue: string): Promise<boolean> {
    return this.publishUntilTaken({ body: delivery.body, properties: { ...delivery.properties, headers: forwardedHeaders(delivery, {}) } }, queue);
  }

  /**
   * True once the task waits in its queue again with these changed headers, out of sight for the
   * pause; false when the worker was stopped before that.
   */
  sendAgain(delivery: Delivery, changes: TaskHeaders, delayMs: number): Promise<boolean> {
    const headers = forwardedHeaders(delivery, changes);
    const message: Message = { body: delivery.body, properties: { ...delivery.properties, headers } };
    return this.publishUntilTaken(message, delivery.queue, { delayMs });
  }

  /** The delivery stays unsettled meanwhile, so whatever stops this, the broker still has the task. */
  private async publishUntilTaken(original: Message, queue: string, options?: PublishOptions): Promise<boolean> {
    let message = original;
    for (let pauseMs = FIRST_PAUSE_MS; !this.stopped.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        await this.broker.publish(message, { queue }, options);
        return true;
      } catch (error) {
        if (error instanceof InvalidTaskError && message === original) {
          message = withoutSendersHeaders(original);
          continue;
        }
        this.onProblem(`A task could not be moved to the queue "${queue}"; it is not acknowledged, and this is tried again.`, error);
        if (this.isBrokerGone) return false;
        if (error instanceof UnroutableTaskError) await this.restoreQueues();
        await pauseUntil(pauseMs, this.stopped);
      }
    }
    return false;
  }

  /** No try will ever succeed: the broker gives the delivery to another process. */
  private get isBrokerGone(): boolean {
    const { status } = this.broker.state;
    return status === 'broken' || status === 'closing' || status === 'closed';
  }

  /** Somebody deleted a queue that we need: it comes back before the next try. */
  private async restoreQueues(): Promise<void> {
    try {
      await this.broker.declare(this.topology);
    } catch (error) {
      this.onProblem('A queue that this worker needs is missing and could not be declared.', error);
    }
  }
}

import type { Broker, Delivery, Message, PublishOptions, Topology } from '../brokers/broker.js';
import { HeadersTooLargeError, InvalidTaskError, UnroutableTaskError } from '../errors.js';
import type { Format } from '../formats/format.js';
import { formatOf } from '../formats/formats.js';
import { gofortFormat } from '../formats/gofort.js';
import { attemptIn, Header } from '../task/headers.js';
import { shortenHeaders, withoutSendersHeaders } from '../task/shorten-headers.js';
import type { TaskHeaders } from '../task/task.js';
import { clock } from '../time/clock.js';
import { pauseUntil } from '../time/pause-until.js';
import { deadLetterMessage, forwardedHeaders, type DeathCertificate } from './dead-letter.js';

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
    private readonly format: Format = gofortFormat,
  ) {}

  /**
   * True once the dead letter is in its queue; false when the worker was stopped before that. Headers for which there is no
   * room are left out of it, and it says which. Where even then the broker will never take it, which its size alone can
   * be the reason for, the delivery goes back to its queue after a pause: neither lost, nor in the way of others.
   *
   * @param giveBack lets it go, with whatever else stands for it. Default: the delivery alone
   */
  async deadLetter(delivery: Delivery, death: DeathCertificate, giveBack: () => void = () => void delivery.requeue()): Promise<boolean> {
    try {
      return await this.publishUntilTaken(this.marked(delivery, deadLetterMessage(delivery, death)), this.deadLetterQueue, true);
    } catch (error) {
      this.onProblem(`A dead letter cannot be written to the queue "${this.deadLetterQueue}"; the task goes back to the queue "${delivery.queue}".`, error);
      await pauseUntil(LONGEST_PAUSE_MS, this.stopped);
      giveBack();
      return false;
    }
  }

  /**
   * True once the task waits in this queue too, as it is, or is a dead letter because it cannot be written again; false
   * when the worker was stopped before that. Never rejects.
   */
  async move(delivery: Delivery, queue: string): Promise<boolean> {
    try {
      return await this.publishUntilTaken(this.sentOn(delivery, {}), queue, false);
    } catch (error) {
      return this.deadLetter(delivery, { reason: 'failed', error, attempt: attemptIn(delivery.properties.headers), worker: delivery.queue, at: clock.date() });
    }
  }

  /**
   * True once the task waits in its queue again with these changed headers, out of sight for the
   * pause; false when the worker was stopped before that.
   *
   * @param body where it is another than it came with
   * @throws InvalidTaskError when it can never be written again as it is: it must become a dead letter
   */
  sendAgain(delivery: Delivery, changes: TaskHeaders, delayMs: number, body?: Buffer): Promise<boolean> {
    return this.publishUntilTaken(this.sentOn(delivery, changes, body), delivery.queue, false, { delayMs });
  }

  /** One try: resolves once a copy of it waits in its queue, out of sight for so long. What was started in time does not expire any more. */
  async copy(delivery: Delivery, changes: TaskHeaders, delayMs: number): Promise<void> {
    await this.broker.publish(this.continued(delivery, changes), { queue: delivery.queue }, { delayMs });
  }

  /** True once it waits in its queue to go on, as {@link continued} has it, out of sight for so long; false when the worker was stopped before that. */
  goOn(delivery: Delivery, changes: TaskHeaders, delayMs: number): Promise<boolean> {
    return this.publishUntilTaken(this.continued(delivery, changes), delivery.queue, false, { delayMs });
  }

  /** As it is sent on once it was started. */
  continued(delivery: Delivery, changes: TaskHeaders): Message {
    const message = this.sentOn(delivery, changes);
    delete message.properties.headers?.[Header.expires];
    return message;
  }

  private sentOn(delivery: Delivery, changes: TaskHeaders, body = delivery.body): Message {
    return this.marked(delivery, { body, properties: { ...delivery.properties, headers: forwardedHeaders(delivery, changes) } });
  }

  /** By whichever way it comes back, it is read as what it is now. */
  private marked(delivery: Delivery, message: Message): Message {
    const { headers } = message.properties;
    const { name } = formatOf(this.format, delivery);
    if (name !== gofortFormat.name && headers !== undefined) headers[Header.format] = name;
    return message;
  }

  /**
   * The delivery stays unsettled meanwhile, so whatever stops this, the broker still has the task.
   * @throws InvalidTaskError when no try will ever succeed
   */
  private async publishUntilTaken(original: Message, queue: string, mayDropHeaders: boolean, options?: PublishOptions): Promise<boolean> {
    let message = original;
    for (let pauseMs = FIRST_PAUSE_MS; !this.stopped.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        await this.broker.publish(message, { queue }, options);
        return true;
      } catch (error) {
        if (error instanceof InvalidTaskError) {
          message = withLess(message, error, mayDropHeaders);
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

/** @throws the error where nothing can be left out, or it is not the headers */
function withLess(message: Message, error: InvalidTaskError, mayDropHeaders: boolean): Message {
  const { headers = {} } = message.properties;
  const shorter = error instanceof HeadersTooLargeError
    ? shortenHeaders(headers, error.fields.bytes - error.fields.maxBytes, mayDropHeaders)
    : mayDropHeaders ? withoutSendersHeaders(headers) : undefined;
  if (shorter === undefined) throw error;
  return { body: message.body, properties: { ...message.properties, headers: shorter } };
}

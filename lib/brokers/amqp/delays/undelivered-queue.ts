import { HeadersTooLargeError, UnroutableTaskError } from '../../../errors.js';
import { shortenHeaders } from '../../../task/shorten-headers.js';
import { undeliveredHeaders, undeliveredQueueOf, undeliveredWarning } from '../../../task/undelivered.js';
import { clock } from '../../../time/clock.js';
import type { BeforeUndelivered, BrowsedMessage, Message } from '../../broker.js';
import type { Publisher } from '../publishing/publisher.js';

export interface UndeliveredHost {
  warn(message: string): void;
  /** See `Broker.beforeUndelivered`. */
  beforeUndelivered: BeforeUndelivered;
  /** Declares the queue again. */
  redeclare(): Promise<void>;
}

/** Where a message is put that no queue takes when it is due: first told, then published with confirm. */
export class UndeliveredQueue {
  private readonly queue: string;

  constructor(private readonly mainExchange: string, private readonly publisher: Publisher, private readonly host: UndeliveredHost) {
    this.queue = undeliveredQueueOf(mainExchange);
  }

  /** Can be repeated. @throws what keeps somebody from being told; the message must stay where it is then */
  async tell(message: BrowsedMessage, problem: string): Promise<void> {
    await this.host.beforeUndelivered(message, problem);
  }

  async bury({ body, properties, exchange, routingKey }: BrowsedMessage, problem: string): Promise<void> {
    const headers = undeliveredHeaders(properties.headers, { exchange, routingKey, problem, at: clock.date() });
    try {
      await this.publishShortened({ body, properties: { ...properties, headers } });
    } catch (error) {
      // Somebody deleted it: it is there again for the next try.
      if (error instanceof UnroutableTaskError) await this.host.redeclare();
      throw error;
    }
    this.host.warn(undeliveredWarning(properties.messageId, this.mainExchange, problem));
  }

  /** Without those of its headers for which there is no room beside what says why it is there. */
  private async publishShortened(message: Message): Promise<void> {
    const { body, properties } = message;
    try {
      await this.publisher.publish(message, '', this.queue);
    } catch (error) {
      const headers = error instanceof HeadersTooLargeError
        ? shortenHeaders(properties.headers ?? {}, error.fields.bytes - error.fields.maxBytes, true) : undefined;
      if (headers === undefined) throw error;
      await this.publishShortened({ body, properties: { ...properties, headers } });
    }
  }
}

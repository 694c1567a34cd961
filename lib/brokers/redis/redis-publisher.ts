import type { DispatcherError } from '../../errors.js';
import { keyWithoutLevel } from '../../task/queue-lines.js';
import type { Address, Message } from '../broker.js';
import { encodeMessage } from './message-record.js';
import { OutgoingLine, type Outgoing, type OutgoingLineHost } from './outgoing-line.js';
import { unroutable, unwritable } from './publish-errors.js';
import type { RedisPublishingLimits } from './redis-broker-options.js';
import type { RedisSession } from './redis-session.js';
import { PUBLISH } from './scripts/publish.js';

export interface PublisherHost extends OutgoingLineHost {
  readonly exchange: string;
  /** A delayed message was taken that is due in so many milliseconds. */
  delayed(delayMs: number): void;
}

interface Content { readonly record: Buffer; readonly plainKey: string }

/** All publishes of a broker to queues of our own. */
export class RedisPublisher extends OutgoingLine<Content> {
  constructor(limits: RedisPublishingLimits, private readonly host: PublisherHost) {
    super(limits, host);
  }

  publish(message: Message, address: Address, delayMs: number): Promise<void> {
    const refusal = this.refuses(message.body.length);
    if (refusal !== undefined) return Promise.reject(refusal);
    const { messageId, headers } = message.properties;
    const plainKey = delayMs > 0 && 'routingKey' in address ? keyWithoutLevel(address.routingKey, headers) ?? '' : '';
    let record: Buffer;
    try {
      record = encodeMessage(message, address);
    } catch (error) {
      return Promise.reject(unwritable({ address, messageId }, error));
    }
    return this.add({ address, messageId }, { record, plainKey }, record.length, delayMs);
  }

  protected override async call(session: RedisSession, batch: readonly Outgoing<Content>[]): Promise<(DispatcherError | undefined)[]> {
    const outcomes = await session.call<string>(PUBLISH, batch.flatMap(argumentsOf));
    const isTaken = (index: number): boolean => outcomes[index] === 'y';
    const soonest = Math.min(...batch.map((outgoing, index) => (isTaken(index) && outgoing.isDelayed ? wholeDelay(outgoing) : Infinity)));
    if (soonest < Infinity) this.host.delayed(soonest);
    return batch.map(({ address }, index) => (isTaken(index) ? undefined : unroutable(this.host.exchange, address)));
  }
}

/** 0 is for what is not delayed. */
function wholeDelay(outgoing: Outgoing<Content>): number {
  return outgoing.isDelayed ? Math.max(1, Math.ceil(outgoing.delayMs)) : 0;
}

function argumentsOf(outgoing: Outgoing<Content>): (string | Buffer)[] {
  const { address, content: { record, plainKey } } = outgoing;
  const [kind, name] = 'queue' in address ? ['q', address.queue] : ['k', address.routingKey];
  return [kind, name, plainKey, String(wholeDelay(outgoing)), record];
}

import type { DispatcherError } from '../../../errors.js';
import { clock } from '../../../time/clock.js';
import type { Message } from '../../broker.js';
import { OutgoingLine, type Outgoing } from '../outgoing-line.js';
import { unwritable } from '../publish-errors.js';
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

interface Content { readonly queue: string; readonly put: Put }

/** Publishes to queues of other systems. */
export class ForeignPublisher extends OutgoingLine<Content> {
  constructor(limits: RedisPublishingLimits, private readonly host: ForeignPublisherHost) {
    // Whether the broker takes tasks, those to queues of our own say.
    super(limits, { unavailable: () => host.unavailable(), blocked: () => undefined });
  }

  publish(message: Message, queue: string, place: ForeignPlace, delayMs: number): Promise<void> {
    const refusal = this.refuses(message.body.length);
    if (refusal !== undefined) return Promise.reject(refusal);
    const published = { address: { queue }, messageId: message.properties.messageId };
    let put: Put;
    try {
      put = place.peer.put(message, place, delayMs > 0, clock.now());
    } catch (error) {
      return Promise.reject(unwritable(published, error));
    }
    return this.add(published, { queue, put }, put.element.length, delayMs);
  }

  protected override async call(session: RedisSession, batch: readonly Outgoing<Content>[]): Promise<undefined[]> {
    await session.call(FOREIGN_PUT, batch.flatMap(argumentsOf));
    return batch.map((outgoing) => void this.host.added(outgoing.content.queue, outgoing.delayMs));
  }
}

function argumentsOf({ content: { put }, delayMs }: Outgoing<Content>): (string | Buffer)[] {
  const { to, key, end = '', unit = 's', known, element } = put;
  return [to, key, end, unit, String(delayMs), known?.key ?? '', known?.member ?? '', element];
}

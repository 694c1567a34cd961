import type { ConsumeMessage } from 'amqplib';
import type { Message } from '../../broker.js';
import type { BrowseChannel } from './browse-channel.js';

/**
 * What came back so often is published again rather than given back. A quorum queue drops, or moves, what comes back
 * more often than its limit; 20 is RabbitMQ's own from 4.0 on, a policy may make it less, and nobody can ask for it.
 */
const MOST_RETURNS = 3;
/** So much is on its way at a time. */
const WINDOW = 200;
const WINDOW_BYTES = 4 * 1024 * 1024;

/**
 * Lets the messages of a quorum queue be looked at without end: instead of being given back they are published anew,
 * confirmed, and removed then. Once it has begun, all that come behind are written anew too, to keep their order; what
 * others publish meanwhile comes to stand among them. A crash leaves one in both places, or back in its old one.
 */
export class Rewriting {
  private begun = false;
  private underway: Promise<void>[] = [];
  private bytes = 0;

  /** @param publish resolves when the copy is confirmed */
  constructor(private readonly channel: BrowseChannel, private readonly publish: (message: Message) => Promise<void>) {}

  get hasBegun(): boolean {
    return this.begun;
  }

  /** True for a message that must not simply be given back. */
  takes(message: ConsumeMessage): boolean {
    return (this.begun ||= timesReturned(message) >= MOST_RETURNS);
  }

  async add(original: ConsumeMessage, message: Message): Promise<void> {
    // What is received later may be written over the bytes of this one.
    this.underway.push(this.move(original, { ...message, body: Buffer.from(message.body) }));
    this.bytes += message.body.length;
    if (this.underway.length >= WINDOW || this.bytes >= WINDOW_BYTES) await this.finish();
  }

  async finish(): Promise<void> {
    await Promise.all(this.underway);
    this.underway = [];
    this.bytes = 0;
  }

  /** Never rejects: what could not be published is given back with the channel. */
  private async move(original: ConsumeMessage, copy: Message): Promise<void> {
    try {
      await this.publish(copy);
      await this.channel.remove(original);
    } catch {
      // It is still in the queue, and written anew by the next walk.
    }
  }
}

/** Quorum queues count. */
export function timesReturned({ properties }: ConsumeMessage): number {
  return Number(properties.headers?.['x-delivery-count'] ?? 0);
}

import type { ChannelModel, ConsumeMessage } from 'amqplib';
import { headersToStay } from '../../../task/broker-death.js';
import { clock } from '../../../time/clock.js';
import { MOST_BROWSED, MOST_BROWSED_BYTES, type BrowseAnswer, type BrowsedMessage, type BrowseOptions, type BrowseResult, type BrowseVisit, type Message } from '../../broker.js';
import { portProperties } from '../consuming/port-properties.js';
import { BrowseChannel, queueCounts } from './browse-channel.js';
import { Rewriting } from './rewriting.js';

const BACK_AGAIN_LIMIT_MS = 2_000;
const BACK_AGAIN_PAUSE_MS = 10;

/** Publishes to a queue. Resolves when that is confirmed. */
export type PublishToQueue = (message: Message, queue: string) => Promise<void>;

/** One walk through a queue, on a channel of its own. */
export async function browseQueue(model: ChannelModel, queue: string, visit: BrowseVisit, options: BrowseOptions, publish: PublishToQueue): Promise<BrowseResult> {
  const { consumerCount, messageCount } = await queueCounts(model, queue);
  const channel = await BrowseChannel.open(model, queue);
  const walk = new Walk(channel, queue, messageCount, publish);
  try {
    const end = await walk.through(visit, options).finally(() => walk.settle());
    return { visited: walk.visited, removed: walk.removed, end };
  } finally {
    // Where all was written anew nothing of an earlier walk is left: what could be taken are the copies, which count already.
    const kept = walk.held + walk.rewritten + (walk.isRewritten ? 0 : await channel.takeReturned());
    await channel.close();
    // Consumers take what comes back: nobody can wait for that.
    if (consumerCount === 0) await untilBack(model, queue, kept);
  }
}

class Walk {
  visited = 0;
  removed = 0;
  held = 0;
  rewritten = 0;
  private heldBytes = 0;
  private readonly rewriting: Rewriting;

  /** @param left how many there are when it begins: a replay that dies again at once would be replayed for ever */
  constructor(private readonly channel: BrowseChannel, private readonly queue: string, private left: number, publish: PublishToQueue) {
    this.rewriting = new Rewriting(channel, (message) => publish(message, queue));
  }

  /** To the end. */
  get isRewritten(): boolean {
    return this.rewriting.hasBegun && this.left === 0;
  }

  async through(visit: BrowseVisit, { maxHeld = MOST_BROWSED, maxHeldBytes = MOST_BROWSED_BYTES }: BrowseOptions): Promise<BrowseResult['end']> {
    while (this.left > 0) {
      if (this.held >= maxHeld || this.heldBytes >= maxHeldBytes) return 'limit';
      const message = await this.next();
      if (message === undefined) return 'all';
      if (message === 'full') return 'limit';
      const answer = await this.answer(message, visit);
      if (answer === 'remove') await this.remove(message);
      else if (this.rewriting.takes(message)) await this.rewrite(message);
      if (answer === 'stop') return 'stopped';
    }
    return 'all';
  }

  /** What has to be written anew is, also behind where the walk has ended; and all that was removed is gone for good. */
  async settle(): Promise<void> {
    if (this.channel.unseen.some((message) => this.rewriting.takes(message)) || this.rewriting.hasBegun) await this.rewriteRest();
    if (this.removed > 0 || this.rewriting.hasBegun) await this.channel.certain();
  }

  /** A visitor that throws has looked at it all the same. */
  private async answer(message: ConsumeMessage, visit: BrowseVisit): Promise<BrowseAnswer> {
    try {
      return await visit(shown(message), this.visited++);
    } catch (error) {
      if (this.rewriting.takes(message)) await this.rewrite(message);
      throw error;
    }
  }

  private async next(): Promise<ConsumeMessage | 'full' | undefined> {
    const message = await this.channel.next(this.left);
    if (message === undefined || message === 'full') return message;
    this.left--;
    this.held++;
    this.heldBytes += message.content.length;
    return message;
  }

  private async rewriteRest(): Promise<void> {
    while (this.left > 0) {
      const message = await this.next();
      if (message === undefined || message === 'full') break;
      await this.rewrite(message);
    }
    await this.rewriting.finish();
  }

  private async rewrite(message: ConsumeMessage): Promise<void> {
    const { body, properties } = shown(message);
    this.held--;
    this.heldBytes -= message.content.length;
    this.rewritten++;
    await this.rewriting.add(message, { body, properties: { ...properties, headers: headersToStay(properties.headers, this.queue) } });
  }

  private async remove(message: ConsumeMessage): Promise<void> {
    await this.channel.remove(message);
    this.held--;
    this.heldBytes -= message.content.length;
    this.removed++;
  }
}

export function shown({ content, properties, fields }: ConsumeMessage): BrowsedMessage {
  return { body: content, properties: portProperties(properties), exchange: fields.exchange, routingKey: fields.routingKey };
}

/** A quorum queue takes its messages back a moment after the channel was closed; the next look must find them. */
async function untilBack(model: ChannelModel, queue: string, kept: number): Promise<void> {
  const deadline = clock.elapsed() + BACK_AGAIN_LIMIT_MS;
  while (kept > 0 && clock.elapsed() < deadline) {
    const found = await queueCounts(model, queue).catch(() => undefined);
    // Where there is no queue or no connection any more, nothing comes back.
    if (found === undefined || found.messageCount >= kept) return;
    await clock.sleep(BACK_AGAIN_PAUSE_MS);
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { ChannelModel, ConsumeMessage } from 'amqplib';
import { MOST_BROWSED, MOST_BROWSED_BYTES, type BrowseOptions, type BrowseResult, type BrowseVisit } from '../../broker.js';
import { portProperties } from '../consuming/port-properties.js';
import { BrowseChannel, queueCounts } from './browse-channel.js';

const BACK_AGAIN_LIMIT_MS = 2_000;
const BACK_AGAIN_PAUSE_MS = 10;

interface Walk {
  visited: number;
  removed: number;
  held: number;
  heldBytes: number;
}

/** One walk through a queue, on a channel of its own. */
export async function browseQueue(model: ChannelModel, queue: string, visit: BrowseVisit, options: BrowseOptions): Promise<BrowseResult> {
  const { consumerCount, messageCount } = await queueCounts(model, queue);
  const walk: Walk = { visited: 0, removed: 0, held: 0, heldBytes: 0 };
  const channel = await BrowseChannel.open(model, queue);
  try {
    const end = await walkThrough(channel, messageCount, visit, options, walk).finally(() => walk.removed > 0 && channel.certain());
    return { visited: walk.visited, removed: walk.removed, end };
  } finally {
    walk.held += await channel.takeReturned();
    await channel.close();
    // Consumers take what comes back: nobody can wait for that.
    if (consumerCount === 0) await untilBack(model, queue, walk.held);
  }
}

async function walkThrough(
  channel: BrowseChannel, waiting: number, visit: BrowseVisit, options: BrowseOptions, walk: Walk,
): Promise<BrowseResult['end']> {
  const { maxHeld = MOST_BROWSED, maxHeldBytes = MOST_BROWSED_BYTES } = options;
  // What is published meanwhile is not visited: a replay that dies again at once would be replayed for ever.
  for (let left = waiting; left > 0; left--) {
    if (walk.held >= maxHeld || walk.heldBytes >= maxHeldBytes) return 'limit';
    const message = await channel.next(left);
    if (message === undefined) return 'all';
    if (message === 'full') return 'limit';
    walk.held++;
    walk.heldBytes += message.content.length;
    const answer = await visit(shown(message), walk.visited++);
    if (answer === 'stop') return 'stopped';
    if (answer === 'remove') await remove(channel, message, walk);
  }
  return 'all';
}

async function remove(channel: BrowseChannel, message: ConsumeMessage, walk: Walk): Promise<void> {
  await channel.remove(message);
  walk.held--;
  walk.heldBytes -= message.content.length;
  walk.removed++;
}

export function shown({ content, properties, fields }: ConsumeMessage): Parameters<BrowseVisit>[0] {
  return { body: content, properties: portProperties(properties), exchange: fields.exchange, routingKey: fields.routingKey };
}

/** A quorum queue takes its messages back a moment after the channel was closed; the next look must find them. */
async function untilBack(model: ChannelModel, queue: string, held: number): Promise<void> {
  const deadline = performance.now() + BACK_AGAIN_LIMIT_MS;
  while (held > 0 && performance.now() < deadline) {
    const found = await queueCounts(model, queue).catch(() => undefined);
    // Where there is no queue or no connection any more, nothing comes back.
    if (found === undefined || found.messageCount >= held) return;
    await sleep(BACK_AGAIN_PAUSE_MS);
  }
}

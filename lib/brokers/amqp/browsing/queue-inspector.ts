import type { ChannelModel } from 'amqplib';
import { clock } from '../../../time/clock.js';
import type { BeforeRemoval, BrowseOptions, BrowseResult, BrowseVisit } from '../../broker.js';
import { withChannel } from '../../../amqp/open-channel.js';
import type { DelayedPart } from '../delays/count-delayed.js';
import { soonMs, WHEEL } from '../delays/wheel/wheel-shape.js';
import { declarationFailure } from '../topology/declaration-failure.js';
import { BrowseLock } from './browse-lock.js';
import { browseQueue, type PublishToQueue } from './browse-queue.js';
import { purgeQueue } from './purge-queue.js';
import { QuestionChannels } from './question-channels.js';

const BETWEEN_LOOKS_MS = 150;
/**
 * For how long none is to be seen before there is none for certain: what another process has in hand until it is due is in no
 * count, and the server takes a moment from one queue to the next.
 */
const NONE_FOR_MS = soonMs(WHEEL) + 600;

/** What is asked of queues and taken out of them apart from consuming, on channels of their own. */
export class QueueInspector {
  private readonly lock: BrowseLock;
  private readonly channels = new QuestionChannels();

  /**
   * @param connection waits for it, at most `maxWaitMs`
   * @param countDelayed what waits out a delay, by where it does
   */
  constructor(
    private readonly exchange: string, private readonly connection: () => Promise<ChannelModel>, private readonly maxWaitMs: number,
    private readonly publish: PublishToQueue, private readonly countDelayed: (model: ChannelModel) => Promise<DelayedPart[]>,
  ) {
    this.lock = new BrowseLock(exchange);
  }

  async depth(queue: string): Promise<number | undefined> {
    const model = await this.connection();
    try {
      return await this.channels.ask(model, async (channel) => (await channel.checkQueue(queue)).messageCount);
    } catch (error) {
      if ((error as { code?: unknown }).code === 404) return undefined;
      throw declarationFailure(error, `Queue "${queue}"`);
    }
  }

  /** @param certain one that is on its way between two queues is in neither: there is none only where none is seen again and again */
  async delayedCount(certain: boolean): Promise<number> {
    for (const since = clock.elapsed(); ; ) {
      const count = (await this.delayedParts()).reduce((sum, part) => sum + part.count, 0);
      if (count > 0 || !certain || clock.elapsed() - since >= NONE_FOR_MS) return count;
      await clock.sleep(BETWEEN_LOOKS_MS);
    }
  }

  async delayedWithin(boundsMs: readonly number[]): Promise<number[]> {
    const counts = [...boundsMs.map(() => 0), 0];
    for (const { withinMs, count } of await this.delayedParts()) {
      const bound = boundsMs.findIndex((one) => withinMs <= one);
      counts[bound < 0 ? boundsMs.length : bound]! += count;
    }
    return counts;
  }

  close(): Promise<void> {
    return this.channels.close();
  }

  private async delayedParts(): Promise<DelayedPart[]> {
    return this.countDelayed(await this.connection());
  }

  async browse(queue: string, visit: BrowseVisit, options: BrowseOptions = {}): Promise<BrowseResult> {
    const model = await this.connection();
    return this.lock.hold(model, queue, this.maxWaitMs, () => browseQueue(model, queue, visit, options, this.publish));
  }

  async purge(queue: string, beforeRemoval?: BeforeRemoval): Promise<number> {
    const model = await this.connection();
    if (beforeRemoval !== undefined) return this.lock.hold(model, queue, this.maxWaitMs, () => purgeQueue(model, queue, beforeRemoval));
    try {
      return await withChannel(model, async (channel) => (await channel.purgeQueue(queue)).messageCount);
    } catch (error) {
      throw declarationFailure(error, `queue "${queue}"`);
    }
  }
}

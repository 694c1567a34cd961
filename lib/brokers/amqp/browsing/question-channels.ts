import type { Channel, ChannelModel } from 'amqplib';
import { answered, closeChannel, openChannel } from '../../../amqp/open-channel.js';
import { clock, type ClockTimer } from '../../../time/clock.js';

/** So many are kept, however many ask at the same time. */
const MOST_KEPT = 4;
/** Nobody has asked for so long: they are given back. */
const KEPT_MS = 5_000;
const CLOSE_LIMIT_MS = 2_000;

interface Kept {
  readonly model: ChannelModel;
  readonly channel: Channel;
  readonly life: { isOver: boolean };
}

/**
 * Channels on which queues are asked how many messages they hold, which changes nothing. Whoever asks of many, again and again,
 * need not have one opened and closed for each; one on which the server has refused something is gone.
 */
export class QuestionChannels {
  private kept: Kept[] = [];
  private giveBack: ClockTimer | undefined;
  private closed = false;

  /** @throws what the server or amqplib said, with the server's `code` */
  async ask<T>(model: ChannelModel, question: (channel: Channel) => Promise<T>): Promise<T> {
    const one = this.take(model) ?? await opened(model);
    try {
      const answer = await answered(question(one.channel), 'a question about a queue');
      this.keep(one);
      return answer;
    } catch (error) {
      await closeChannel(one.channel, CLOSE_LIMIT_MS);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.letGo();
  }

  private take(model: ChannelModel): Kept | undefined {
    this.kept = this.kept.filter(({ life }) => !life.isOver);
    const found = this.kept.findIndex((one) => one.model === model);
    return found < 0 ? undefined : this.kept.splice(found, 1)[0];
  }

  private keep(one: Kept): void {
    if (this.closed || this.kept.length >= MOST_KEPT) return void closeChannel(one.channel, CLOSE_LIMIT_MS);
    this.kept.push(one);
    clock.clear(this.giveBack);
    this.giveBack = clock.setTimeout(() => void this.letGo(), KEPT_MS).unref();
  }

  private async letGo(): Promise<void> {
    clock.clear(this.giveBack);
    await Promise.all(this.kept.splice(0).map(({ channel }) => closeChannel(channel, CLOSE_LIMIT_MS)));
  }
}

async function opened(model: ChannelModel): Promise<Kept> {
  const life = { isOver: false };
  return { model, life, channel: await openChannel(model, { closed: () => { life.isOver = true; }, warning: () => undefined }) };
}

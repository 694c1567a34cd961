import type { Broker, SignalSubscription } from '../../brokers/broker.js';
import { FAREWELLS } from './messages.js';

export interface Heard {
  answer(message: Buffer): void;
  farewell(message: Buffer): void;
}

/** What an asker listens to: begun with its first question, and ended some time after the last one. */
export class Listening {
  private subscriptions: Promise<readonly SignalSubscription[]> | undefined;

  constructor(private readonly broker: Pick<Broker, 'watchBroadcasts'>, private readonly topic: string, private readonly heard: Heard) {}

  /** @throws what keeps it from listening; the next call tries again */
  start(): Promise<readonly SignalSubscription[]> {
    const starting = this.subscriptions ??= this.open();
    starting.catch(() => {
      if (this.subscriptions === starting) this.subscriptions = undefined;
    });
    return starting;
  }

  async stop(): Promise<void> {
    const { subscriptions } = this;
    this.subscriptions = undefined;
    for (const subscription of await subscriptions?.catch(() => []) ?? []) await subscription.stop();
  }

  private async open(): Promise<readonly SignalSubscription[]> {
    const answers = await this.broker.watchBroadcasts(this.topic, (message) => this.heard.answer(message));
    try {
      return [answers, await this.broker.watchBroadcasts(FAREWELLS, (message) => this.heard.farewell(message))];
    } catch (error) {
      await answers.stop();
      throw error;
    }
  }
}

import type { Broker } from '../../brokers/broker.js';
import { UnroutableTaskError } from '../../errors.js';
import { RefusedError } from '../failures.js';
import type { MovedMessage } from './message-line.js';

/** A queue that messages are put into, with those beside it that carry its levels. */
export class QueueTarget {
  private constructor(private readonly broker: Broker, private readonly from: string, private readonly to: string) {}

  /**
   * @param from the queue that they were in
   * @throws RefusedError where there is no such queue: what is not there is not made
   */
  static async open(broker: Broker, from: string, to: string): Promise<QueueTarget> {
    if (await broker.depth(to) === undefined) {
      throw new RefusedError(`There is no queue "${to}" to put them into. Start an application that declares it, or name another with --to-queue.`, { queue: to });
    }
    return new QueueTarget(broker, from, to);
  }

  /** Resolves when the broker has confirmed it. */
  async add({ queue, body, properties }: MovedMessage): Promise<void> {
    const beside = queue.startsWith(`${this.from}.`) ? `${this.to}${queue.slice(this.from.length)}` : this.to;
    try {
      await this.broker.publish({ body, properties }, { queue: beside });
    } catch (error) {
      if (!(error instanceof UnroutableTaskError) || beside === this.to) throw error;
      await this.broker.publish({ body, properties }, { queue: this.to });
    }
  }
}

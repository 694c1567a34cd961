import type { Delivery } from '../../brokers/broker.js';
import type { Format } from '../../formats/format.js';
import { clock } from '../../time/clock.js';
import { pauseForAnswers } from '../../time/pause-until.js';
import type { Settler } from '../settler.js';

/** When nothing came for so long, there was no more. */
const QUIET_MS = 25;

/**
 * Moves deliveries of the main queue into the queues of their names: published with confirm, then acknowledged.
 * A crash in between leaves a task in both. Those of one name keep their order.
 */
export class Sorter {
  /** How many are on their way. */
  moving = 0;
  private taken = 0;
  private onIdle: (() => void) | undefined;

  /** @param queues by task name */
  constructor(
    private readonly settler: Settler, private readonly format: Format, private readonly maxTaskBytes: number,
    private readonly queues: ReadonlyMap<string, string>,
  ) {}

  /** False for what has no queue of its own: an unknown name, a body that is no task. */
  take(delivery: Delivery): boolean {
    const queue = this.queues.get(this.nameOf(delivery) ?? '');
    if (queue === undefined) return false;
    this.taken++;
    void this.move(delivery, queue);
    return true;
  }

  /** Resolves when none is on its way, or after the limit: what is not confirmed by then is delivered again. */
  idle(limitMs: number): Promise<void> {
    if (this.moving === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, limitMs);
      this.onIdle = () => {
        clock.clear(timer);
        resolve();
      };
    });
  }

  /** Resolves when what waited has been moved, or after the limit: from then on it is known what there is of each name. */
  async caughtUp(limitMs: number, stopped: AbortSignal): Promise<void> {
    const deadline = clock.elapsed() + limitMs;
    for (let before = -1; (before !== this.taken || this.moving > 0) && clock.elapsed() < deadline && !stopped.aborted;) {
      before = this.taken;
      await pauseForAnswers(QUIET_MS, stopped);
    }
  }

  private async move(delivery: Delivery, queue: string): Promise<void> {
    this.moving++;
    try {
      if (await this.settler.move(delivery, queue)) delivery.ack();
    } finally {
      this.moving--;
      if (this.moving === 0) this.onIdle?.();
    }
  }

  private nameOf(delivery: Delivery): string | undefined {
    if (delivery.body.length > this.maxTaskBytes) return undefined;
    try {
      return this.format.decode(delivery).name;
    } catch {
      return undefined;
    }
  }
}

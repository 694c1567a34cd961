import type { Broker } from '../brokers/broker.js';
import { DispatcherError } from '../errors.js';
import { decodePause, encodePause, type Pause, pauseKey } from './pause.js';

/** A register is for what people do by hand. */
const MOST_PAUSES = 1_000;

export function pauseQueue(exchange: string): string {
  return `${exchange}.control.v1.pauses`;
}

/**
 * The pauses of an exchange, as messages of one durable queue that nobody consumes: one note each, the newest
 * of a name counting. They outlive every process.
 */
export class PauseRegister {
  private readonly queue: string;

  constructor(private readonly broker: Broker, exchange: string) {
    this.queue = pauseQueue(exchange);
  }

  async read(): Promise<Pause[]> {
    if (!await this.exists()) return [];
    const pauses = new Map<string, Pause>();
    await this.broker.browse(this.queue, ({ body }) => {
      const pause = decodePause(body);
      if (pause !== undefined) pauses.set(pauseKey(pause), pause);
      return 'keep';
    });
    return [...pauses.values()];
  }

  /** The new note first, the old ones after it: a crash in between leaves both, and the newer one counts. */
  async write(pause: Pause): Promise<void> {
    if ((await this.read()).length >= MOST_PAUSES) {
      throw new DispatcherError('ERR_DISPATCHER_TOO_MANY_PAUSES', `${MOST_PAUSES} queues, tasks and workers are paused already; resume some first.`, { limit: MOST_PAUSES });
    }
    await this.broker.declare({ queues: [{ name: this.queue, purpose: 'dead-letters' }] });
    await this.broker.publish({ body: encodePause(pause), properties: { contentType: 'application/json' } }, { queue: this.queue });
    await this.remove(pauseKey(pause), 1);
  }

  /** Removes the notes of this key, the oldest first, but for the last `keep`. Returns how many were removed. */
  async remove(key: string, keep = 0): Promise<number> {
    if (!await this.exists()) return 0;
    let found = 0;
    if (keep > 0) await this.walk(key, () => { found++; return false; });
    else found = Infinity;
    let removed = 0;
    await this.walk(key, () => removed < found - keep && ++removed > 0);
    return removed;
  }

  private async walk(key: string, shouldRemove: () => boolean): Promise<void> {
    await this.broker.browse(this.queue, ({ body }) => {
      const pause = decodePause(body);
      return pause !== undefined && pauseKey(pause) === key && shouldRemove() ? 'remove' : 'keep';
    });
  }

  /** The first pause makes the queue: who never pauses has none. */
  private async exists(): Promise<boolean> {
    return (await this.broker.depth(this.queue)) !== undefined;
  }
}

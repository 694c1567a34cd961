import { randomUUID } from 'node:crypto';
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
    const id = randomUUID();
    await this.broker.publish({ body: encodePause(pause), properties: { contentType: 'application/json', messageId: id } }, { queue: this.queue });
    const older = await this.idsBefore(id, pauseKey(pause));
    if (older.size > 0) await this.removeWhere(pauseKey(pause), (other) => older.has(other));
  }

  /** Removes the notes of this key. Returns how many there were. */
  async remove(key: string): Promise<number> {
    return await this.exists() ? this.removeWhere(key, () => true) : 0;
  }

  /** By their ids, so that two who pause the same at once can never remove each other's; none where a newer note has replaced ours. */
  private async idsBefore(id: string, key: string): Promise<ReadonlySet<string>> {
    const older = new Set<string>();
    let isThere = false;
    await this.broker.browse(this.queue, ({ body, properties: { messageId = '' } }) => {
      isThere ||= messageId === id;
      if (isThere) return 'stop';
      if (isOf(key, body)) older.add(messageId);
      return 'keep';
    });
    return isThere ? older : new Set();
  }

  private async removeWhere(key: string, fits: (id: string) => boolean): Promise<number> {
    const { removed } = await this.broker.browse(this.queue, ({ body, properties: { messageId = '' } }) => (isOf(key, body) && fits(messageId) ? 'remove' : 'keep'));
    return removed;
  }

  /** The first pause makes the queue: who never pauses has none. */
  private async exists(): Promise<boolean> {
    return (await this.broker.depth(this.queue)) !== undefined;
  }
}

function isOf(key: string, body: Buffer): boolean {
  const pause = decodePause(body);
  return pause !== undefined && pauseKey(pause) === key;
}

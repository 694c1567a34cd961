import { randomUUID } from 'node:crypto';
import type { Broker } from '../brokers/broker.js';

/** For how long a note counts. Who still meets unknown names then writes another. */
const NOTE_MS = 24 * 3600 * 1000;
const MOST_QUEUES = 1_000;

export function mixedQueuesQueue(exchange: string): string {
  return `${exchange}.control.v1.mixed`;
}

/**
 * The queues of an exchange on which somebody has met a task that he does not know, as notes in a durable queue that
 * nobody consumes. The first such task makes it: where all workers of each queue have the same tasks, there is none.
 */
export class MixedQueues {
  private readonly queue: string;
  private known: ReadonlyMap<string, number> = new Map();

  constructor(private readonly broker: Broker, exchange: string, private readonly now: () => number) {
    this.queue = mixedQueuesQueue(exchange);
  }

  get names(): readonly string[] {
    const now = this.now();
    return [...this.known].filter(([, writtenAt]) => writtenAt + NOTE_MS > now).map(([name]) => name);
  }

  /** When it was last noted, in milliseconds since 1970, as far as this process knows. */
  notedAt(queue: string): number | undefined {
    return this.known.get(queue);
  }

  /** Whether it is to be noted, anew where the note will not count for much longer. */
  needsNote(queue: string): boolean {
    return (this.known.get(queue) ?? -Infinity) + NOTE_MS / 2 < this.now();
  }

  /** Takes away what has expired on its way. */
  async read(): Promise<void> {
    const found = new Map<string, number>();
    if (await this.broker.depth(this.queue) !== undefined) {
      const now = this.now();
      await this.broker.browse(this.queue, ({ body }) => {
        const note = decodeNote(body);
        if (note === undefined) return 'keep';
        if (note.at + NOTE_MS <= now) return 'remove';
        if (found.size < MOST_QUEUES) found.set(note.queue, Math.max(note.at, found.get(note.queue) ?? 0));
        return 'keep';
      });
    }
    this.known = found;
  }

  async note(queue: string): Promise<void> {
    const at = this.now();
    await this.broker.declare({ queues: [{ name: this.queue, purpose: 'dead-letters' }] });
    await this.broker.publish({ body: Buffer.from(JSON.stringify({ queue, at })), properties: { contentType: 'application/json', messageId: randomUUID() } }, { queue: this.queue });
    // Known at once, also where this process cannot read what it wrote: it must not write it for each task.
    this.known = new Map(this.known).set(queue, at);
  }
}

/** `undefined` for what is none: somebody else's message, or a newer version's. */
function decodeNote(body: Buffer): { queue: string; at: number } | undefined {
  try {
    const { queue, at } = JSON.parse(body.toString()) as Record<string, unknown>;
    return typeof queue === 'string' && typeof at === 'number' ? { queue, at } : undefined;
  } catch {
    return undefined;
  }
}

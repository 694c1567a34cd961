import { BrokerError } from '../../errors.js';
import { MOST_BROWSED, MOST_BROWSED_BYTES, type BrowseOptions, type BrowseResult, type BrowseVisit } from '../broker.js';
import type { Clock } from './clock.js';
import type { QueueStore, TakenMessage } from './queue-store.js';

/** How many are taken into hand at once: on disk each taking is a transaction. */
const BATCH = 64;
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;

/** Walks through a queue of a store. What is kept is held until the end and then put back as if it had never been taken. */
export async function browseStore(
  store: QueueStore, clock: Clock, queue: string, limitMs: number, visit: BrowseVisit, options: BrowseOptions,
): Promise<BrowseResult> {
  if ((await store.depth(queue)) === undefined) throw noSuchQueue(queue);
  return walkAlone(store, clock, queue, limitMs, () => new StoreWalk(store, queue, visit, options).run());
}

/** One walk of a queue at a time, among all processes. */
export async function walkAlone<T>(store: QueueStore, clock: Clock, queue: string, limitMs: number, walk: () => Promise<T>): Promise<T> {
  await acquire(store, clock, queue, limitMs);
  try {
    return await walk();
  } finally {
    await store.unlock(queue);
  }
}

export function noSuchQueue(queue: string): BrokerError {
  return new BrokerError('ERR_DISPATCHER_NOT_FOUND', `There is no queue '${queue}'. Declare it first, or mend the name.`, { queue });
}

class StoreWalk {
  private visited = 0;
  private removed = 0;
  private kept = 0;
  private keptBytes = 0;
  /** Taken and not removed; visited or not. */
  private readonly held = new Set<TakenMessage>();

  constructor(
    private readonly store: QueueStore,
    private readonly queue: string,
    private readonly visit: BrowseVisit,
    private readonly options: BrowseOptions,
  ) {}

  async run(): Promise<BrowseResult> {
    let end: BrowseResult['end'];
    try {
      end = await this.walk((await this.store.depth(this.queue)) ?? 0);
    } finally {
      for (const taken of this.held) this.store.settle(taken, 'untake');
      await this.store.written();
    }
    return { visited: this.visited, removed: this.removed, end };
  }

  /** Only what waited at the beginning: a replay that dies again at once would be replayed for ever. */
  private async walk(waiting: number): Promise<BrowseResult['end']> {
    for (let left = waiting; left > 0;) {
      if (this.isFull()) return 'limit';
      const batch = await this.take(Math.min(BATCH, left));
      if (batch.length === 0) return 'all';
      left -= batch.length;
      for (const taken of batch) this.held.add(taken);
      for (const taken of batch) {
        if (this.isFull()) return 'limit';
        if (!await this.show(taken)) return 'stopped';
      }
    }
    return 'all';
  }

  private isFull(): boolean {
    const { maxHeld = MOST_BROWSED, maxHeldBytes = MOST_BROWSED_BYTES } = this.options;
    return this.kept >= maxHeld || this.keptBytes >= maxHeldBytes;
  }

  private async show(taken: TakenMessage): Promise<boolean> {
    const { body, properties, exchange, routingKey } = taken;
    const answer = await this.visit({ body, properties, exchange, routingKey }, this.visited++);
    if (answer === 'remove') {
      this.held.delete(taken);
      this.removed++;
      this.store.settle(taken, 'ack');
    } else {
      this.kept++;
      this.keptBytes += body.length;
    }
    return answer !== 'stop';
  }

  private take(limit: number): Promise<readonly TakenMessage[]> {
    return new Promise((resolve) => this.store.take(this.queue, limit, resolve));
  }
}

async function acquire(store: QueueStore, clock: Clock, queue: string, limitMs: number): Promise<void> {
  const deadline = clock.now() + limitMs;
  for (let pauseMs = FIRST_PAUSE_MS; !(await store.lock(queue)); pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    if (clock.now() > deadline) {
      throw new BrokerError('ERR_DISPATCHER_BROWSING',
        `Queue '${queue}' is being browsed by others, and did not become free in time. Try again later.`, { queue }, { retryable: true });
    }
    await new Promise<void>((resolve) => { clock.after(pauseMs, resolve); });
  }
}

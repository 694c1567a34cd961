import { randomUUID } from 'node:crypto';
import type { Broker } from '../brokers/broker.js';
import { DispatcherError } from '../errors.js';
import { type Cancellation, cancellationOf, type CancelOptions, decodeCancellation, encodeCancellation } from './cancellation.js';
import { type RegisterListener, WatchedRegister } from './watched-register.js';

/** What every worker's process keeps in memory: some 20 MB. */
const MOST_UUIDS = 100_000;
const UUIDS_A_NOTE = 1_000;

export function cancellationQueue(exchange: string): string {
  return `${exchange}.control.v1.cancellations`;
}

interface Known {
  readonly text: string;
  readonly expiresAt: number;
}

/**
 * Which tasks of an exchange are cancelled, as messages of one durable queue that nobody consumes: they outlive every
 * process, and go when they expire. Workers know them by heart, so that a task costs no question.
 */
export class Cancellations {
  private readonly queue: string;
  private readonly watched: WatchedRegister;
  private current: ReadonlyMap<string, Known> = new Map();

  constructor(private readonly broker: Broker, exchange: string, listener: RegisterListener, private readonly now: () => number) {
    this.queue = cancellationQueue(exchange);
    this.watched = new WatchedRegister(broker, 'Which tasks are cancelled', async () => { this.current = await this.read(); }, listener);
  }

  /** Nothing is called off: there is nothing to ask. */
  get isEmpty(): boolean {
    return this.current.size === 0;
  }

  /** Who called off the task of this uuid, or all that go by this name, and why, in a text; `undefined`: nobody. */
  reasonOf(uuidOrName: string): string | undefined {
    const known = this.current.get(uuidOrName);
    return known === undefined || known.expiresAt <= this.now() ? undefined : known.text;
  }

  watch(): Promise<void> {
    return this.watched.watch();
  }

  stop(): Promise<void> {
    return this.watched.stop();
  }

  /** Resolves when it is kept, and told. @throws ConfigurationError, BrokerError */
  async cancel(uuids: readonly string[], options?: CancelOptions): Promise<void> {
    const cancellation = cancellationOf(uuids, options, this.now());
    if (uuids.length === 0) return;
    checkRoom((await this.read()).size, uuids.length);
    await this.broker.declare({ queues: [{ name: this.queue, purpose: 'dead-letters' }] });
    for (let from = 0; from < uuids.length; from += UUIDS_A_NOTE) await this.keep({ ...cancellation, uuids: uuids.slice(from, from + UUIDS_A_NOTE) });
    await this.watched.tell();
  }

  /**
   * Calls off, with one note, all tasks that go by a name beside their uuids, such as the steps of a workflow. Called
   * again it only tells again: so it completes what somebody began who died half way.
   *
   * @throws BrokerError, DispatcherError where too many are kept
   */
  async cancelAll(name: string, text: string, expiresInMs: number): Promise<void> {
    const known = await this.read();
    const now = this.now();
    const isLasting = (known.get(name)?.expiresAt ?? 0) >= now + expiresInMs / 2;
    if (!isLasting) {
      checkRoom(known.size, 1);
      await this.broker.declare({ queues: [{ name: this.queue, purpose: 'dead-letters' }] });
      await this.keep({ uuids: [name], text, expiresAt: now + expiresInMs });
    }
    await this.watched.tell();
  }

  private async keep(cancellation: Cancellation): Promise<void> {
    const properties = { contentType: 'application/json', messageId: randomUUID() };
    await this.broker.publish({ body: encodeCancellation(cancellation), properties }, { queue: this.queue });
  }

  /** Takes away what has expired on its way. The first cancellation makes the queue: who never cancels has none. */
  private async read(): Promise<ReadonlyMap<string, Known>> {
    const found = new Map<string, Known>();
    if (await this.broker.depth(this.queue) === undefined) return found;
    const now = this.now();
    await this.broker.browse(this.queue, ({ body }) => {
      const note = decodeCancellation(body);
      if (note === undefined) return 'keep';
      if (note.expiresAt <= now) return 'remove';
      const { text, expiresAt } = note;
      const known = { text, expiresAt };
      for (const uuid of note.uuids) {
        if ((found.get(uuid)?.expiresAt ?? 0) < expiresAt && found.size < MOST_UUIDS) found.set(uuid, known);
      }
      return 'keep';
    });
    return found;
  }
}

function checkRoom(size: number, more: number): void {
  if (size + more <= MOST_UUIDS) return;
  throw new DispatcherError('ERR_DISPATCHER_TOO_MANY_CANCELLATIONS',
    `${size} tasks are cancelled already, and ${more} more would be over ${MOST_UUIDS}. Give cancellations a shorter expiresInSeconds, or purge the queue instead.`,
    { limit: MOST_UUIDS, size });
}

import { clock, type ClockTimer } from '../../time/clock.js';
import type { BeforeUndelivered } from '../broker.js';
import { LOOK_AGAIN_MS, problemOf, undeliverable, untoldWarning } from '../store/undeliverable.js';
import { decodeMessage, encodeMessage, type StoredMessage } from './message-record.js';
import { unroutable } from './publish-errors.js';
import type { RedisSession } from './redis-session.js';
import { BURY, DUE } from './scripts/delays.js';

/** Between two looks at least: with many processes and many delays they would do nothing else. */
const SHORTEST_PAUSE_MS = 5;
/** What is due later is told of in time, by a beat of the lease. */
const LONGEST_WAIT_MS = 5_000;

export interface DueMoverHost {
  readonly exchange: string;
  tellUndelivered(): BeforeUndelivered | undefined;
  warning(message: string): void;
}

/** Moves delayed messages that are due to their queues. Every process looks; Redis's clock says what is due. */
export class DueMover {
  private session: RedisSession | undefined;
  private timer: ClockTimer | undefined;
  private dueAt = Infinity;
  private movedAt = 0;
  /** Of which somebody is being told in this process. */
  private readonly telling = new Set<string>();

  constructor(private readonly host: DueMoverHost) {}

  connected(session: RedisSession): void {
    this.session = session;
    if (this.dueAt < Infinity) this.arm();
  }

  /** Something is due in so many milliseconds, or earlier. */
  dueIn(ms: number): void {
    if (ms > LONGEST_WAIT_MS) return;
    const now = clock.elapsed();
    const at = Math.max(now + ms, this.movedAt + SHORTEST_PAUSE_MS);
    if (at >= this.dueAt) return;
    this.dueAt = at;
    this.arm();
  }

  disconnected(): void {
    this.session = undefined;
    this.dueAt = Infinity;
    clock.clear(this.timer);
  }

  private arm(): void {
    clock.clear(this.timer);
    this.timer = clock.setTimeout(() => void this.move(), Math.max(0, Math.ceil(this.dueAt - clock.elapsed())));
  }

  private async move(): Promise<void> {
    const { session } = this;
    this.dueAt = Infinity;
    if (session === undefined) return;
    this.movedAt = clock.elapsed();
    try {
      const [next, ...untaken] = await session.callForBytes<[number, ...Buffer[]]>(DUE, [String(LOOK_AGAIN_MS)]);
      for (let at = 0; at < untaken.length; at += 4) {
        const [id, kind, name, record] = untaken.slice(at, at + 4) as [Buffer, Buffer, Buffer, Buffer];
        void this.giveUp(id.toString(), kind.toString() === 'q', name.toString(), record);
      }
      if (next >= 0) this.dueIn(next);
    } catch {
      // The connection is gone, or Redis takes nothing for now: the next beat tells what is due.
    }
  }

  private async giveUp(id: string, isForOneQueue: boolean, name: string, record: Buffer): Promise<void> {
    if (this.telling.has(id)) return;
    this.telling.add(id);
    const { exchange } = this.host;
    try {
      const message = this.decode(record, isForOneQueue, name);
      const problem = problemOf(unroutable(exchange, isForOneQueue ? { queue: name } : { routingKey: name }));
      if (await this.hasTold(message, problem)) await this.bury(id, message, problem);
    } catch {
      // The connection is gone: it is still there, and is looked at again.
    } finally {
      this.telling.delete(id);
    }
  }

  private async hasTold(message: StoredMessage, problem: string): Promise<boolean> {
    try {
      await this.host.tellUndelivered()?.(message, problem);
      return true;
    } catch (error) {
      this.host.warning(untoldWarning(message.properties.messageId, error));
      return false;
    }
  }

  private async bury(id: string, message: StoredMessage, problem: string): Promise<void> {
    const { exchange } = this.host;
    const { queue, message: kept, warning } = undeliverable(exchange, message.routingKey, message, problem, clock.now());
    if (await this.session?.call<number>(BURY, [id, queue, encodeMessage(kept, { queue })]) === 1) this.host.warning(warning);
  }

  private decode(record: Buffer, isForOneQueue: boolean, name: string): StoredMessage {
    try {
      return decodeMessage(record, this.host.exchange);
    } catch {
      return { body: record, properties: {}, exchange: isForOneQueue ? '' : this.host.exchange, routingKey: name };
    }
  }
}

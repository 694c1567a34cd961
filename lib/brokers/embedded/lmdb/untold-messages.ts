import type { BeforeUndelivered, BrowsedMessage } from '../../broker.js';
import type { Clock } from '../../store/clock.js';
import type { StoreListener } from '../message-store.js';
import { untoldWarning } from '../../store/undeliverable.js';
import type { BatchWriter } from './batch-writer.js';
import { BuryOperation } from './bury-operation.js';
import { getBody } from './large-bodies.js';
import { decodeRecord } from './message-record.js';
import type { Tables } from './tables.js';

/** An undeliverable message of which somebody is to be told before it is put aside. */
export interface UntoldMessage {
  /** Which one; it keeps it wherever it waits. */
  readonly order: number;
  /** Where it waits meanwhile, until it is looked at again. */
  readonly key: Buffer;
  readonly record: Buffer;
  readonly tell: BeforeUndelivered;
  readonly problem: string;
}

/**
 * Has told of what cannot be delivered, and then puts it aside. Until then it waits with the delayed ones, due again a
 * little later: should this process die, or somebody not be told, another look begins anew.
 */
export class UntoldMessages {
  /** Those that are being told of, and where they wait. */
  private readonly keys = new Map<number, Buffer>();

  constructor(
    private readonly tables: Tables, private readonly writer: BatchWriter, private readonly clock: Clock,
    private readonly listener: Pick<StoreListener, 'warning'>,
  ) {}

  has(order: number): boolean {
    return this.keys.has(order);
  }

  /** It was looked at again meanwhile, and waits here now. */
  moved(order: number, key: Buffer): void {
    if (this.keys.has(order)) this.keys.set(order, key);
  }

  /** Never rejects. */
  async tell({ order, key, record, tell, problem }: UntoldMessage): Promise<void> {
    this.keys.set(order, key);
    const message = this.readable(record);
    try {
      await tell(message, problem);
      this.writer.add(new BuryOperation(this.keys.get(order) ?? key, problem, this.clock.now(), (warning) => this.listener.warning(warning)));
    } catch (error) {
      this.listener.warning(untoldWarning(message.properties.messageId, error));
    } finally {
      this.keys.delete(order);
    }
  }

  /** Its body is read when somebody wants it: there may be a thousand, with large ones. */
  private readable(record: Buffer): BrowsedMessage {
    const { body, ...message } = decodeRecord(record);
    const { tables } = this;
    return { ...message, get body() { return body ?? getBody(tables, record); } };
  }
}

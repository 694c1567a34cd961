import { BrokerUnavailableError, PublishBufferFullError } from '../../../errors.js';
import { type BroadcastStore, type FoundBroadcast, MOST_KEPT_BYTES } from '../broadcast-ring.js';
import type { Clock } from '../../store/clock.js';
import type { BatchWriter } from './batch-writer.js';
import { broadcastAfter, BroadcastOperation, lastBroadcast } from './broadcast-operation.js';
import type { Tables } from './tables.js';

/** Broadcasts of this process on their way to the folder, within an account of their own: they take no room from what is published. */
export class LmdbBroadcasts implements BroadcastStore {
  private waitingBytes = 0;

  constructor(private readonly tables: Tables, private readonly writer: Pick<BatchWriter, 'add'>, private readonly clock: Clock,
    private readonly isReadable: () => boolean) {}

  send(exchange: string, topic: string, message: Buffer): Promise<void> {
    if (!this.isReadable()) return Promise.reject(new BrokerUnavailableError('The embedded broker is closing, or cannot use its folder; nothing is broadcast.', { topic }));
    return new Promise((resolve, reject) => {
      const operation = new BroadcastOperation(exchange, topic, message, this.clock.now(), (error) => {
        this.waitingBytes -= operation.bytes;
        if (error === undefined) resolve();
        else reject(new BrokerUnavailableError(`The embedded broker could not broadcast: ${error.message}.`, { topic }, error));
      });
      if (this.waitingBytes + operation.bytes > MOST_KEPT_BYTES) return reject(tooMany(this.waitingBytes));
      this.waitingBytes += operation.bytes;
      this.writer.add(operation);
    });
  }

  last(exchange: string): number | undefined {
    if (!this.isReadable()) return undefined;
    this.tables.root.resetReadTxn();
    return lastBroadcast(this.tables, exchange);
  }

  after(exchange: string, topic: string, number: number): FoundBroadcast | undefined {
    if (!this.isReadable()) return undefined;
    this.tables.root.resetReadTxn();
    return broadcastAfter(this.tables, exchange, topic, number);
  }
}

function tooMany(waitingBytes: number): PublishBufferFullError {
  return new PublishBufferFullError(`${waitingBytes} bytes of broadcasts wait to be written, and no more are taken on top of them. Send fewer.`, { waitingBytes, limitBytes: MOST_KEPT_BYTES });
}

/**
 * How much of what was broadcast a store keeps for those who look only now and then, by exchange: the oldest gives way.
 * Both numbers bound what a flood can take.
 */
export const MOST_KEPT = 512;
export const MOST_KEPT_BYTES = 16 * 1024 * 1024;

/** What a look finds. */
export interface FoundBroadcast {
  /** Where the next look begins. */
  readonly number: number;
  /** `undefined`: there is no further one of this topic up to there. */
  readonly message?: Buffer;
}

/** The broadcasts of a store, for all who share it. */
export interface BroadcastStore {
  /** @throws PublishBufferFullError, BrokerUnavailableError, ShutdownError */
  send(exchange: string, topic: string, message: Buffer): Promise<void>;
  /** The number of the last one of this exchange, whatever its topic. `undefined` while it cannot be read. */
  last(exchange: string): number | undefined;
  /** The first one of this topic that is kept and came after that number. `undefined` while it cannot be read. */
  after(exchange: string, topic: string, number: number): FoundBroadcast | undefined;
}

interface Kept {
  readonly number: number;
  readonly topic: string;
  readonly message: Buffer;
}

/** Those of one process. */
export class MemoryBroadcasts implements BroadcastStore {
  private readonly rings = new Map<string, Ring>();

  send(exchange: string, topic: string, message: Buffer): Promise<void> {
    let ring = this.rings.get(exchange);
    if (ring === undefined) this.rings.set(exchange, (ring = new Ring()));
    ring.add(topic, message);
    return Promise.resolve();
  }

  last(exchange: string): number {
    return this.rings.get(exchange)?.last ?? 0;
  }

  after(exchange: string, topic: string, number: number): FoundBroadcast {
    return this.rings.get(exchange)?.after(topic, number) ?? { number };
  }
}

/** The broadcasts of one exchange. */
class Ring {
  last = 0;
  private readonly kept: Kept[] = [];
  private bytes = 0;

  add(topic: string, message: Buffer): void {
    this.kept.push({ number: ++this.last, topic, message: Buffer.from(message) });
    this.bytes += message.length;
    while (this.kept.length > MOST_KEPT || this.bytes > MOST_KEPT_BYTES) this.bytes -= (this.kept.shift() as Kept).message.length;
  }

  after(topic: string, after: number): FoundBroadcast {
    const found = this.kept.find((one) => one.number > after && one.topic === topic);
    return found === undefined ? { number: this.last } : { number: found.number, message: found.message };
  }
}

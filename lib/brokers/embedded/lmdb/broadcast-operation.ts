import { type FoundBroadcast, MOST_KEPT, MOST_KEPT_BYTES } from '../broadcast-ring.js';
import type { WriteOperation } from './batch-writer.js';
import { putBody, readBody, removeBodyOf } from './large-bodies.js';
import type { StoreTransaction } from './store-transaction.js';
import { readNumber, type Tables } from './tables.js';

/** Beyond it somebody's disk hangs, and what was broadcast is of no use any more. */
const LIMIT_MS = 5_000;

/** Which broadcasts of an exchange are kept, and how large they are together. */
interface Ring {
  first: number;
  last: number;
  bytes: number;
}

interface Entry {
  readonly bodyId: number;
  readonly size: number;
  readonly topic: string;
}

/** Adds a message to the exchange's ring, where every process of the folder looks. */
export class BroadcastOperation implements WriteOperation {
  readonly bytes: number;
  private readonly overdueAt: number;
  private settled = false;

  constructor(
    private readonly exchange: string,
    private readonly topic: string,
    private readonly message: Buffer,
    now: number,
    /** Called once. */
    private readonly done: (error?: Error) => void,
  ) {
    this.bytes = message.length + 256;
    this.overdueAt = now + LIMIT_MS;
  }

  apply(transaction: StoreTransaction): void {
    const { tables } = transaction;
    const ring = readRing(tables, this.exchange);
    const bodyId = transaction.nextOrder();
    ring.last += 1;
    ring.bytes += this.message.length;
    putBody(tables, bodyId, this.message);
    void tables.meta.put(entryKey(this.exchange, ring.last), entryRecord({ bodyId, size: this.message.length, topic: this.topic }));
    while (ring.last - ring.first >= MOST_KEPT || ring.bytes > MOST_KEPT_BYTES) dropFirst(tables, this.exchange, ring);
    void tables.meta.put(ringKey(this.exchange), ringRecord(ring));
  }

  committed(): void {
    this.settle();
  }

  failed(error: Error): boolean {
    this.settle(error);
    return false;
  }

  overdue(now: number): boolean {
    if (now < this.overdueAt) return false;
    this.settle(new Error('the disk hangs, or another process keeps the folder locked'));
    return true;
  }

  private settle(error?: Error): void {
    if (this.settled) return;
    this.settled = true;
    this.done(error);
  }
}

export function lastBroadcast({ meta }: Tables, exchange: string): number {
  return readNumber(meta, ringKey(exchange));
}

/** Reads one body at most. */
export function broadcastAfter(tables: Tables, exchange: string, topic: string, after: number): FoundBroadcast {
  const { first, last } = readRing(tables, exchange);
  // Numbers begin anew in a folder that was made anew.
  for (let number = Math.max(after > last ? 0 : after, first - 1) + 1; number <= last; number++) {
    const entry = readEntry(tables, exchange, number);
    if (entry?.topic === topic) return { number, message: readBody(tables, entry.bodyId, entry.size) };
  }
  return { number: last };
}

function dropFirst(tables: Tables, exchange: string, ring: Ring): void {
  const entry = readEntry(tables, exchange, ring.first);
  if (entry !== undefined) {
    removeBodyOf(tables, entry.bodyId, entry.size);
    void tables.meta.remove(entryKey(exchange, ring.first));
    ring.bytes -= entry.size;
  }
  ring.first += 1;
}

function readRing({ meta }: Tables, exchange: string): Ring {
  const record = meta.getBinary(ringKey(exchange));
  if (record === undefined) return { first: 1, last: 0, bytes: 0 };
  return { last: record.readDoubleBE(0), first: record.readDoubleBE(8), bytes: record.readDoubleBE(16) };
}

function ringRecord({ first, last, bytes }: Ring): Buffer {
  const record = Buffer.allocUnsafe(24);
  record.writeDoubleBE(last, 0);
  record.writeDoubleBE(first, 8);
  record.writeDoubleBE(bytes, 16);
  return record;
}

function readEntry({ meta }: Tables, exchange: string, number: number): Entry | undefined {
  const record = meta.getBinary(entryKey(exchange, number));
  return record === undefined ? undefined : { bodyId: record.readDoubleBE(0), size: record.readDoubleBE(8), topic: record.subarray(16).toString() };
}

function entryRecord({ bodyId, size, topic }: Entry): Buffer {
  const numbers = Buffer.allocUnsafe(16);
  numbers.writeDoubleBE(bodyId, 0);
  numbers.writeDoubleBE(size, 8);
  return Buffer.concat([numbers, Buffer.from(topic)]);
}

function ringKey(exchange: string): Buffer {
  return Buffer.from(`broadcasts:${exchange}`);
}

function entryKey(exchange: string, number: number): Buffer {
  return Buffer.from(`broadcast:${number}:${exchange}`);
}

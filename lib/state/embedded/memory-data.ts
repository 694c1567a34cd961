import { ResultBackendError } from '../../errors.js';
import { clock, type ClockTimer } from '../../time/clock.js';
import { ExpiryBuckets } from '../expiry-buckets.js';

/** What an entry costs beside its bytes, roughly. */
const OVERHEAD_BYTES = 256;
const SWEEP_EVERY_MS = 1000;

/** A value, or the members of a set in the order of their arrival. */
export interface Entry {
  readonly name: string;
  expiresAt: number;
  bytes: number;
  value?: Buffer;
  members?: Map<string, Buffer>;
  /** The members' names, so that a page can begin anywhere. */
  order?: string[];
}

export type ChangeListener = (key: string, value: Buffer) => void;

/** Entries in memory; those that expired are removed within about two seconds, whether or not anybody asks. */
export class MemoryData {
  readonly listeners = new Set<ChangeListener>();
  private readonly entries = new Map<string, Entry>();
  private readonly expiring = new ExpiryBuckets<Entry>();
  private sweeper: ClockTimer;
  private bytes = 0;

  constructor(private readonly maxBytes: number) {
    this.sweeper = this.sweepLater();
  }

  /** How many entries there are, expired ones that were not swept yet included. */
  get size(): number {
    return this.entries.size;
  }

  find(name: string): Entry | undefined {
    const entry = this.entries.get(name);
    if (entry === undefined || entry.expiresAt > clock.elapsed()) return entry;
    this.remove(name);
    return undefined;
  }

  /** @throws ResultBackendError when memory for results is used up */
  putValue(name: string, value: Buffer, expiresInMs: number | undefined): void {
    const before = this.entries.get(name);
    const bytes = value.length + OVERHEAD_BYTES;
    this.charge(bytes - (before?.bytes ?? 0));
    if (before !== undefined) this.forget(before);
    // A copy, for the caller may use its buffer again.
    this.remember({ name, value: Buffer.from(value), bytes, expiresAt: expiryTime(expiresInMs) });
  }

  /** False: it was there. The set lives on at least so long from now, either way. */
  addMember(name: string, member: string, value: Buffer, expiresInMs: number | undefined): { count: number; added: boolean } {
    const entry: Entry = this.find(name) ?? { name, members: new Map<string, Buffer>(), order: [], bytes: 0, expiresAt: 0 };
    const members = entry.members as Map<string, Buffer>;
    const added = !members.has(member);
    const bytes = added ? value.length + Buffer.byteLength(member) + OVERHEAD_BYTES : 0;
    this.charge(bytes);
    if (added) {
      members.set(member, Buffer.from(value));
      (entry.order as string[]).push(member);
    }
    if (this.entries.has(name)) this.forget(entry);
    entry.bytes += bytes;
    entry.expiresAt = Math.max(entry.expiresAt, expiryTime(expiresInMs));
    this.remember(entry);
    return { count: members.size, added };
  }

  remove(name: string): void {
    const entry = this.entries.get(name);
    if (entry === undefined) return;
    this.forget(entry);
    this.bytes -= entry.bytes;
  }

  changed(key: string, value: Buffer): void {
    // Later, so that no callback runs inside somebody's `set`.
    queueMicrotask(() => {
      for (const listener of this.listeners) listener(key, value);
    });
  }

  stop(): void {
    clock.clear(this.sweeper);
    this.entries.clear();
    this.listeners.clear();
  }

  private charge(bytes: number): void {
    if (bytes > 0 && this.bytes + bytes > this.maxBytes) {
      throw new ResultBackendError(
        `The results in memory take ${this.bytes} bytes, and ${bytes} more do not fit into the limit of ${this.maxBytes}. Let them expire sooner, or keep them in a folder ('embedded:./folder') or on a server.`,
        { bytes: this.bytes, maxBytes: this.maxBytes }, undefined, undefined, true);
    }
    this.bytes += bytes;
  }

  private remember(entry: Entry): void {
    this.entries.set(entry.name, entry);
    if (entry.expiresAt < Infinity) this.expiring.add(entry, entry.expiresAt);
  }

  private forget(entry: Entry): void {
    this.entries.delete(entry.name);
    if (entry.expiresAt < Infinity) this.expiring.remove(entry, entry.expiresAt);
  }

  private sweepLater(): ClockTimer {
    return clock.setLook(() => {
      this.sweeper = this.sweepLater();
      this.sweep();
    }, SWEEP_EVERY_MS).unref();
  }

  private sweep(): void {
    for (const entry of this.expiring.takeExpired(clock.elapsed())) {
      if (this.entries.get(entry.name) === entry) this.remove(entry.name);
    }
  }
}

/** By the clock that nobody sets. The timers that are measured against it may be up to a millisecond early. */
function expiryTime(expiresInMs: number | undefined): number {
  return expiresInMs === undefined ? Infinity : clock.elapsed() + expiresInMs + 1;
}

import { Confirms } from './confirms.js';
import { Fifo } from './fifo.js';
import type { KeeperChannel } from './keeper-channel.js';
import type { KeeperClock } from './keeper-clock.js';
import { encodeRecord } from './ledger-record.js';
import type { LogRecord } from './log-record.js';
import { Releases } from './releases.js';

/** Near the front of the queue: here an acknowledgement costs the server next to nothing. */
const WINDOW = 1_000;

export interface KeeperLogHost extends Pick<KeeperChannel, 'write' | 'acknowledge'> {
  /** The server has confirmed something. */
  progressed(): void;
}

/** What waits until the records that it rests on are safe. */
interface Held { readonly needs: number; act(): void }

/**
 * The records in the ledger's queue, as their keeper writes them, keeps those that are the present state unacknowledged,
 * and lets go of the others. What they say is not looked at here.
 */
export class KeeperLog {
  private readonly confirms = new Confirms();
  private readonly held = new Fifo<Held>();
  private readonly releases: Releases;
  /** Written by this keeper and on their way to it. */
  private readonly underway = new Map<string, LogRecord>();
  /** In the order in which they were delivered. */
  private readonly aging = new Set<LogRecord>();

  /** @param window how many records from the front of the queue on are let go as soon as they are outdated */
  constructor(private readonly keeper: string, private readonly clock: KeeperClock, private readonly host: KeeperLogHost, private readonly window = WINDOW) {
    this.releases = new Releases((tag) => host.acknowledge(tag), () => this.confirms.latest + 1, window);
  }

  /** All records of the present state, the one delivered longest ago first; they may be written anew meanwhile. */
  get current(): Iterable<LogRecord> { return this.aging; }

  /** Something is not confirmed, or has not come back. */
  get isWriting(): boolean {
    return this.confirms.upTo < this.confirms.latest || this.underway.size > 0;
  }

  /** Records wait to be let go for the confirm of a later one, and none is on its way. */
  get needsCheckpoint(): boolean {
    return this.releases.isWaiting && this.confirms.upTo === this.confirms.latest;
  }

  /** Most of the queue is outdated, and stands behind what is not: that is to be written anew, from the front on. */
  get isWorn(): boolean { return this.releases.stranded > Math.max(this.window, this.aging.size); }

  write(record: LogRecord, superseded: readonly LogRecord[]): void {
    const number = this.confirms.next();
    const messageId = `${this.keeper}.${number}`;
    this.underway.set(messageId, record);
    this.keep(record, superseded, number);
    const body = encodeRecord({ content: record.content, writtenAt: Math.floor(this.clock.now()) });
    this.host.write(body, { type: 'record', messageId, persistent: true }, () => {
      this.confirms.confirmed(number);
      this.host.progressed();
      this.flush();
    });
  }

  /** True when it is one that this keeper has written. */
  cameBack(messageId: string, tag: number): boolean {
    const own = this.underway.get(messageId);
    if (own === undefined) return false;
    this.underway.delete(messageId);
    this.releases.delivered(own.place, tag);
    this.flush();
    return true;
  }

  /** One of an earlier keeper. Whether it is on disk is not known here: the next record's confirm will say so. */
  replayed(record: LogRecord, tag: number, superseded: readonly LogRecord[]): void {
    this.releases.delivered(record.place, tag);
    this.keep(record, superseded, this.confirms.latest + 1);
  }

  /** They go without another in their place. */
  expired(records: readonly LogRecord[]): void {
    const { latest } = this.confirms;
    for (const record of records) {
      this.aging.delete(record);
      this.releases.add(record.place, latest);
    }
  }

  /** Runs it when all that was written so far is safe: nobody is told what could still be lost. */
  whenSafe(act: () => void): void {
    const needs = this.confirms.latest;
    if (this.held.size === 0 && this.confirms.upTo >= needs) act();
    else this.held.push({ needs, act });
  }

  flush(): void {
    const { upTo } = this.confirms;
    for (let next = this.held.first; next !== undefined && next.needs <= upTo; next = this.held.first) {
      this.held.shift();
      next.act();
    }
    // After the answers: a record that says what was done goes after the request.
    this.releases.flush(upTo);
  }

  /** @param needs the number of the record whose confirm says that this one is safe */
  private keep(record: LogRecord, superseded: readonly LogRecord[], needs: number): void {
    for (const old of superseded) {
      this.aging.delete(old);
      this.releases.add(old.place, needs, record.place);
    }
    if (record.content.kind === 'deleted' || record.content.kind === 'checkpoint') this.releases.add(record.place, needs);
    else this.aging.add(record);
  }
}

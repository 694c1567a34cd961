import { clock, type ClockTimer } from '../../time/clock.js';
import type { Operation } from './ledger-operation.js';
import type { Told } from './ledger-reply.js';

/** What watches need of the connection that they live on. */
export interface WatchLine {
  ask(operation: Operation): Promise<{ readonly kind: string; readonly yes?: boolean }>;
  tell(operation: Operation): void;
  changed(key: string, value?: Buffer): void;
}

/** How soon a new keeper is noticed by who asks nothing else. */
const RENEW_MS = 1000;
const KEYS_AT_ONCE = 500;

/**
 * The keys that this process watches. The keeper has them in its memory only: they are told again to
 * whoever keeps the ledger next, and then each key is to be read, for nothing was told in between.
 */
export class LedgerWatches {
  private readonly keys = new Set<string>();
  private keeper: string | undefined;
  private renewing = false;
  private stopped = false;
  private readonly timer: ClockTimer;

  constructor(private readonly line: WatchLine) {
    this.timer = clock.setInterval(() => void this.renew(), RENEW_MS).unref();
  }

  async subscribe(key: string): Promise<void> {
    this.keys.add(key);
    try {
      await this.line.ask({ kind: 'subscribe', keys: [key] });
    } catch (error) {
      this.keys.delete(key);
      throw error;
    }
  }

  unsubscribe(key: string): void {
    if (this.keys.delete(key)) this.line.tell({ kind: 'unsubscribe', keys: [key] });
  }

  told({ key, value }: Told): void {
    if (this.keys.has(key)) this.line.changed(key, value);
  }

  answeredBy(keeper: string): void {
    const isNew = this.keeper !== undefined && this.keeper !== keeper;
    this.keeper = keeper;
    if (isNew) void this.renew();
  }

  stop(): void {
    this.stopped = true;
    clock.clear(this.timer);
    this.keys.clear();
  }

  /** Answers that do not come are the affair of whoever looks after the connection. */
  private async renew(): Promise<void> {
    if (this.renewing || this.stopped || this.keys.size === 0) return;
    this.renewing = true;
    try {
      const { yes } = await this.line.ask({ kind: 'renew', count: this.keys.size });
      if (yes === false) await this.tellAll();
    } catch {
      // The next turn tries again.
    } finally {
      this.renewing = false;
    }
  }

  private async tellAll(): Promise<void> {
    const all = [...this.keys];
    for (let from = 0; from < all.length && !this.stopped; from += KEYS_AT_ONCE) {
      const keys = all.slice(from, from + KEYS_AT_ONCE);
      await this.line.ask({ kind: 'subscribe', keys });
      for (const key of keys) if (this.keys.has(key)) this.line.changed(key);
    }
  }
}

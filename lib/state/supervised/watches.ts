import { createHash } from 'node:crypto';
import { clock, type ClockTimer } from '../../time/clock.js';
import type { StopWatching } from '../state-backend.js';
import { MAX_KEYS_AT_ONCE } from '../result-store.js';
import { PollSchedule } from './poll-schedule.js';

/** What watches need of the backend that they look at. */
export interface WatchedStore {
  readonly isReady: boolean;
  /** False: changes must be looked for. */
  readonly pushes: boolean;
  read(keys: readonly string[]): Promise<(Buffer | undefined)[]>;
  subscribe(key: string): Promise<void>;
  unsubscribe(key: string): void;
  callbackFailed(key: string, error: unknown): void;
}

interface Watcher { readonly key: string; readonly onValue: (value: Buffer) => void; told?: string }

/** One watched key and everybody who watches it. */
class KeyWatch {
  readonly watchers = new Set<Watcher>();
  /** Counts what was pushed: a value read before the latest push is stale. */
  pushes = 0;
  /** How often in a row a look found nothing new. */
  quietLooks = 0;
  subscribed = false;

  constructor(readonly storedKey: string) {}
}

/** How long to wait after a look that failed though the connection stands. */
const FAILED_LOOK_PAUSE_MS = 500;

/**
 * Tells watchers about values. Where the store pushes, a key is read once after it was subscribed to
 * (and again after each reconnect), so that nothing falls between; elsewhere it is read again and
 * again, ever more seldom while nothing changes. Either way many keys share one question, and one
 * question is under way at a time: 100,000 watched keys cost memory for their names alone.
 */
export class Watches {
  private readonly keys = new Map<string, KeyWatch>();
  private readonly toRead = new Set<KeyWatch>();
  private readonly schedule: PollSchedule<KeyWatch>;
  private reading = false;
  private retry: ClockTimer | undefined;
  private closed = false;

  constructor(private readonly store: WatchedStore, pollMinMs: number, pollMaxMs: number) {
    this.schedule = new PollSchedule(pollMinMs, pollMaxMs, (due) => {
      for (const watch of due) this.toRead.add(watch);
      this.readOn();
    });
  }

  watch(key: string, storedKey: string, onValue: (value: Buffer) => void): StopWatching {
    if (this.closed) return () => undefined;
    let watch = this.keys.get(storedKey);
    if (watch === undefined) this.keys.set(storedKey, (watch = new KeyWatch(storedKey)));
    const watcher: Watcher = { key, onValue };
    watch.watchers.add(watcher);
    this.toRead.add(watch);
    this.readOn();
    const found = watch;
    return () => this.stop(found, watcher);
  }

  /** After each connect: whatever changed in between was not told. */
  connected(): void {
    for (const watch of this.keys.values()) {
      watch.subscribed = false;
      this.toRead.add(watch);
    }
    this.readOn();
  }

  changed(storedKey: string, value?: Buffer): void {
    const watch = this.keys.get(storedKey);
    if (watch === undefined) return;
    if (value !== undefined) {
      watch.pushes++;
      return void this.tell(watch, value);
    }
    this.toRead.add(watch);
    this.readOn();
  }

  close(): void {
    this.closed = true;
    clock.clear(this.retry);
    this.schedule.stop();
    this.toRead.clear();
    this.keys.clear();
  }

  private stop(watch: KeyWatch, watcher: Watcher): void {
    if (!watch.watchers.delete(watcher) || watch.watchers.size > 0) return;
    this.toRead.delete(watch);
    if (this.keys.get(watch.storedKey) !== watch) return;
    this.keys.delete(watch.storedKey);
    if (watch.subscribed) this.store.unsubscribe(watch.storedKey);
  }

  private readOn(): void {
    if (this.reading || this.retry !== undefined || this.closed || !this.store.isReady || this.toRead.size === 0) return;
    this.reading = true;
    void this.readAll().finally(() => {
      this.reading = false;
      this.readOn();
    });
  }

  private async readAll(): Promise<void> {
    // The keys of one turn are mostly watched one by one, right after each other.
    await Promise.resolve();
    while (this.toRead.size > 0 && this.store.isReady && !this.closed) {
      const batch = this.nextBatch();
      try {
        await this.readBatch(batch);
      } catch {
        // The connection's loss is the link's affair, which calls `connected` once it is back.
        for (const watch of batch) if (watch.watchers.size > 0 && !this.closed) this.toRead.add(watch);
        return this.pauseAfterFailure();
      }
    }
  }

  private nextBatch(): KeyWatch[] {
    const batch: KeyWatch[] = [];
    for (const watch of this.toRead) {
      this.toRead.delete(watch);
      batch.push(watch);
      if (batch.length === MAX_KEYS_AT_ONCE) break;
    }
    return batch;
  }

  private async readBatch(batch: readonly KeyWatch[]): Promise<void> {
    if (this.store.pushes) await Promise.all(batch.map((watch) => this.subscribe(watch)));
    const pushesBefore = batch.map((watch) => watch.pushes);
    const values = await this.store.read(batch.map((watch) => watch.storedKey));
    batch.forEach((watch, index) => {
      const value = values[index];
      const stale = watch.pushes !== pushesBefore[index];
      const news = value !== undefined && !stale && this.tell(watch, value);
      this.lookAgain(watch, news);
    });
  }

  private async subscribe(watch: KeyWatch): Promise<void> {
    if (watch.subscribed) return;
    await this.store.subscribe(watch.storedKey);
    watch.subscribed = true;
    if (watch.watchers.size === 0 && !this.keys.has(watch.storedKey)) this.store.unsubscribe(watch.storedKey);
  }

  private lookAgain(watch: KeyWatch, news: boolean): void {
    if (this.store.pushes || this.closed || watch.watchers.size === 0) return;
    watch.quietLooks = news ? 0 : watch.quietLooks + 1;
    this.schedule.add(watch, watch.quietLooks);
  }

  /** True when it was news to somebody. */
  private tell(watch: KeyWatch, value: Buffer): boolean {
    const print = fingerprint(value);
    let news = false;
    for (const watcher of [...watch.watchers]) {
      // Told apart from the last one only: a watcher may have stopped another one just now.
      if (watcher.told === print || !watch.watchers.has(watcher)) continue;
      watcher.told = print;
      news = true;
      try {
        watcher.onValue(value);
      } catch (error) {
        this.store.callbackFailed(watcher.key, error);
      }
    }
    return news;
  }

  private pauseAfterFailure(): void {
    if (this.closed) return;
    this.retry = clock.setTimeout(() => {
      this.retry = undefined;
      this.readOn();
    }, FAILED_LOOK_PAUSE_MS);
  }
}

/** Instead of the value itself, which may be megabytes. */
function fingerprint(value: Buffer): string {
  return value.length <= 32 ? `=${value.toString('latin1')}` : createHash('sha1').update(value).digest('base64');
}

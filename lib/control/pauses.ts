import type { Broker, SignalSubscription } from '../brokers/broker.js';
import { checkPauseOptions, type Pause, pauseKey, type PauseKind, type PauseOptions, type PauseTarget, targetOf } from './pause.js';
import { PauseRegister } from './pause-register.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export interface PausesListener {
  /** What is paused has changed. */
  changed(): void;
  problem(message: string, error: unknown): void;
}

/** What is paused on this exchange, as this process knows it; kept up to date while it is watched. */
export class Pauses {
  private readonly register: PauseRegister;
  private current: ReadonlyMap<string, Pause> = new Map();
  private subscription: SignalSubscription | undefined;
  private refreshing: Promise<void> | undefined;
  private again = false;
  private retry: NodeJS.Timeout | undefined;
  private failures = 0;
  private stopped = false;

  constructor(private readonly broker: Broker, exchange: string, private readonly listener: PausesListener, private readonly now: () => Date) {
    this.register = new PauseRegister(broker, exchange);
  }

  isPaused(kind: PauseKind, name: string): boolean {
    return this.current.size > 0 && this.current.has(pauseKey({ kind, name }));
  }

  /** What this process knows of, in the order in which it was paused; nothing is asked for it. */
  get known(): readonly Pause[] {
    return [...this.current.values()].sort((a, b) => a.since.getTime() - b.since.getTime());
  }

  /** Knows what is paused when it resolves, if that can be known; goes on trying otherwise. Never rejects. */
  async watch(): Promise<void> {
    try {
      this.subscription = await this.broker.watchSignals(() => void this.refresh());
      if (this.stopped) await this.subscription.stop();
    } catch (error) {
      this.failed(error);
      return;
    }
    await this.refresh();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.retry);
    await this.subscription?.stop();
    await this.refreshing;
  }

  list(): Promise<Pause[]> {
    return this.register.read();
  }

  async pause(target: PauseTarget, options: PauseOptions): Promise<void> {
    const pause: Pause = { ...targetOf(target), ...checkPauseOptions(options), since: this.now() };
    await this.register.write(pause);
    await this.tell();
  }

  /** False when it was not paused. */
  async resume(target: PauseTarget): Promise<boolean> {
    const removed = await this.register.remove(pauseKey(targetOf(target)));
    await this.tell();
    return removed > 0;
  }

  /** The others by the signal; this process at once. */
  private async tell(): Promise<void> {
    await this.broker.signal();
    if (this.subscription !== undefined) await this.refresh();
  }

  /** One reading at a time, and one more where something changed during it. */
  private refresh(): Promise<void> {
    this.again = true;
    return (this.refreshing ??= this.readUntilQuiet().finally(() => { this.refreshing = undefined; }));
  }

  private async readUntilQuiet(): Promise<void> {
    try {
      while (this.again && !this.stopped) {
        this.again = false;
        const pauses = await this.register.read();
        this.current = new Map(pauses.map((pause) => [pauseKey(pause), pause]));
        this.failures = 0;
        if (!this.stopped) this.listener.changed();
      }
    } catch (error) {
      this.failed(error);
    }
  }

  private failed(error: unknown): void {
    if (this.stopped) return;
    if (this.failures++ === 0) this.listener.problem('What is paused cannot be read; what is known of it still holds, and it is tried again.', error);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void (this.subscription === undefined ? this.watch() : this.refresh()),
      Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.failures - 1, 10), LONGEST_PAUSE_MS)).unref();
  }
}

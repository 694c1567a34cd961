import type { Broker, SignalSubscription } from '../brokers/broker.js';
import { clock, type ClockTimer } from '../time/clock.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export interface RegisterListener {
  /** It was read, and may have changed. */
  changed(): void;
  problem(message: string, error: unknown): void;
}

/** Keeps what a process knows of a register up to date: read at the start, and again after each signal. */
export class WatchedRegister {
  private subscription: SignalSubscription | undefined;
  private refreshing: Promise<void> | undefined;
  private again = false;
  private retry: ClockTimer | undefined;
  private failures = 0;
  private stopped = false;

  /** @param what the subject of the message when it cannot be read: `What is paused` */
  constructor(private readonly broker: Broker, private readonly what: string, private readonly read: () => Promise<void>, private readonly listener: RegisterListener) {}

  /** It has been read when this resolves, if that is possible; it goes on trying otherwise. Never rejects. */
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
    clock.clear(this.retry);
    await this.subscription?.stop();
    await this.refreshing;
  }

  /** The others by the signal; this process at once. */
  async tell(): Promise<void> {
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
        await this.read();
        this.failures = 0;
        if (!this.stopped) this.listener.changed();
      }
    } catch (error) {
      this.failed(error);
    }
  }

  private failed(error: unknown): void {
    if (this.stopped) return;
    if (this.failures++ === 0) this.listener.problem(`${this.what} cannot be read; what is known of it still holds, and it is tried again.`, error);
    clock.clear(this.retry);
    this.retry = clock.setTimeout(() => void (this.subscription === undefined ? this.watch() : this.refresh()),
      Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.failures - 1, 10), LONGEST_PAUSE_MS)).unref();
  }
}

import type { Broker } from '../brokers/broker.js';
import { checkPauseOptions, type Pause, pauseKey, type PauseKind, type PauseOptions, type PauseTarget, targetOf } from './pause.js';
import { PauseRegister } from './pause-register.js';
import { type RegisterListener, WatchedRegister } from './watched-register.js';

/** What is paused on this exchange, as this process knows it; kept up to date while it is watched. */
export class Pauses {
  private readonly register: PauseRegister;
  private readonly watched: WatchedRegister;
  private current: ReadonlyMap<string, Pause> = new Map();

  constructor(broker: Broker, exchange: string, listener: RegisterListener, private readonly now: () => Date) {
    this.register = new PauseRegister(broker, exchange);
    this.watched = new WatchedRegister(broker, 'What is paused', () => this.read(), listener);
  }

  isPaused(kind: PauseKind, name: string): boolean {
    return this.current.size > 0 && this.current.has(pauseKey({ kind, name }));
  }

  /** What this process knows of, in the order in which it was paused; nothing is asked for it. */
  get known(): readonly Pause[] {
    return [...this.current.values()].sort((a, b) => a.since.getTime() - b.since.getTime());
  }

  /** Knows what is paused when it resolves, if that can be known; goes on trying otherwise. Never rejects. */
  watch(): Promise<void> {
    return this.watched.watch();
  }

  stop(): Promise<void> {
    return this.watched.stop();
  }

  list(): Promise<Pause[]> {
    return this.register.read();
  }

  async pause(target: PauseTarget, options: PauseOptions): Promise<void> {
    const pause: Pause = { ...targetOf(target), ...checkPauseOptions(options), since: this.now() };
    await this.register.write(pause);
    await this.watched.tell();
  }

  /** False when it was not paused. */
  async resume(target: PauseTarget): Promise<boolean> {
    const removed = await this.register.remove(pauseKey(targetOf(target)));
    await this.watched.tell();
    return removed > 0;
  }

  private async read(): Promise<void> {
    const pauses = await this.register.read();
    this.current = new Map(pauses.map((pause) => [pauseKey(pause), pause]));
  }
}

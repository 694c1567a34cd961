import type { SignalSubscription } from '../broker.js';
import type { RedisSession } from './redis-session.js';

const CHANNEL = 's';

/** Telling all processes of the exchange that something has changed. */
export class RedisSignals {
  private readonly watchers = new Set<() => void>();
  private listening: RedisSession | undefined;

  async send(session: RedisSession): Promise<void> {
    await session.publish(CHANNEL, '');
  }

  async watch(session: RedisSession, onSignal: () => void): Promise<SignalSubscription> {
    const watcher = (): void => onSignal();
    this.watchers.add(watcher);
    await this.listen(session);
    return {
      stop: () => {
        this.watchers.delete(watcher);
        return Promise.resolve();
      },
    };
  }

  /** On each new connection, before it counts. */
  async start(session: RedisSession): Promise<void> {
    if (this.watchers.size > 0) await this.listen(session);
  }

  /** Whatever was told meanwhile was missed. */
  connected(): void {
    this.tell();
  }

  private async listen(session: RedisSession): Promise<void> {
    if (this.listening === session) return;
    this.listening = session;
    await session.subscribe(CHANNEL, () => this.tell());
  }

  private tell(): void {
    for (const watcher of [...this.watchers]) watcher();
  }
}

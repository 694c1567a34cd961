import type { Broker } from '../../lib/brokers/broker.js';

type Bus = Pick<Broker, 'broadcast' | 'watchBroadcasts'>;

/** Broadcasts within this test. */
export class TestBus implements Bus {
  readonly listeners = new Map<string, Set<(message: Buffer) => void>>();
  readonly sent: string[] = [];
  broken: Error | undefined;

  broadcast(topic: string, message: Buffer): Promise<void> {
    if (this.broken !== undefined) return Promise.reject(this.broken);
    this.sent.push(topic);
    for (const listener of this.listeners.get(topic) ?? []) queueMicrotask(() => listener(message));
    return Promise.resolve();
  }

  watchBroadcasts(topic: string, onMessage: (message: Buffer) => void): ReturnType<Bus['watchBroadcasts']> {
    if (this.broken !== undefined) return Promise.reject(this.broken);
    const listeners = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, listeners.add(onMessage));
    return Promise.resolve({ stop: () => { listeners.delete(onMessage); return Promise.resolve(); } });
  }
}

import { FaultApp } from '../../faults/apps/fault-app.js';
import type { AppConfig } from '../../faults/apps/protocol.js';
import { Ledger } from '../../support/ledger.js';
import { Recorder } from '../wire/recorder.js';

export interface Actor { readonly app: FaultApp; cut(): void }

/** Processes on recorded lines to one server, all of one exchange and one queue, with what they remember together in its ledger. */
export class Stage {
  readonly recorder: Recorder;
  readonly ledger = new Ledger();
  readonly queue: string;
  private readonly ends: (() => Promise<unknown>)[] = [];

  /** @param url of a RabbitMQ of its own */
  constructor(url: string, private readonly exchange: string, private readonly common: Partial<AppConfig> = {}) {
    this.recorder = new Recorder(url);
    this.queue = `${exchange}.q`;
  }

  async startPublisher(name = 'publisher'): Promise<Actor> {
    return this.start(name, this.publisher);
  }

  async startWorker(name: string, limit = 5): Promise<Actor> {
    return this.start(name, this.worker(limit));
  }

  get publisher(): Partial<AppConfig> {
    return { role: 'publisher', initQueues: [{ name: this.queue, bindingKeys: ['key'] }] };
  }

  worker(limit: number): Partial<AppConfig> {
    return { workers: [{ name: 'w', queue: this.queue, limit, bindingKeys: ['key'] }] };
  }

  /** The configuration of a process of this name, and what cuts its line. */
  async configOf(name: string, rest: Partial<AppConfig>): Promise<{ config: AppConfig; cut: () => void }> {
    const { url, proxy } = await this.recorder.line(name);
    return { config: { broker: url, resultBackend: url, exchange: this.exchange, defaultRoutingKey: 'key', reconnectionIntervalSeconds: 0.2, ...this.common, ...rest }, cut: () => proxy.resetAll() };
  }

  /** What is to be ended with all the rest. */
  owns(end: () => Promise<unknown>): void {
    this.ends.push(end);
  }

  async close(): Promise<void> {
    await Promise.all(this.ends.map((end) => end()));
    await this.recorder.close();
  }

  private async start(name: string, rest: Partial<AppConfig>): Promise<Actor> {
    const { config, cut } = await this.configOf(name, rest);
    const app = new FaultApp(config, this.ledger);
    this.owns(() => app.kill9());
    await app.ready();
    return { app, cut };
  }
}

import { ShutdownError } from '../errors.js';
import type { EventSink } from '../events/dispatcher-event.js';
import type { StateBackend } from '../state/state-backend.js';
import type { ResolvedConfig } from './config/resolve-config.js';
import { backendOfBroker } from './results/backend-of.js';

/**
 * What all processes on the exchange remember together: locks, claims, counts. It is kept by the configured
 * result backend, or where there is none by the broker itself. Nothing is opened before something asks.
 */
export class SharedState {
  private opening: Promise<StateBackend> | undefined;
  private own: StateBackend | undefined;
  private closed = false;

  constructor(
    private readonly config: Pick<ResolvedConfig, 'broker' | 'exchange' | 'tls' | 'ledger' | 'consumerTimeoutMs'>,
    private readonly configured: StateBackend | undefined,
    private readonly emit: EventSink,
  ) {}

  /** Connected. @throws what `connect` of the backend throws; the next call tries again */
  backend(): Promise<StateBackend> {
    if (this.closed) return Promise.reject(new ShutdownError('The dispatcher is closing; its shared state is not opened any more.'));
    return (this.opening ??= this.open().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    }));
  }

  /** Whether something may be remembered by now: on RabbitMQ alone, whether anybody has made the ledger. Never rejects. */
  async mayHold(depth: (queue: string) => Promise<number | undefined>): Promise<boolean> {
    const { broker, exchange } = this.config;
    if (this.configured !== undefined || this.opening !== undefined || !broker.reveal().startsWith('amqp')) return true;
    return depth(`${exchange}.ledger.v1`).then((count) => count !== undefined, () => true);
  }

  async close(deadlineMs: number): Promise<void> {
    this.closed = true;
    await this.own?.close(deadlineMs);
  }

  private async open(): Promise<StateBackend> {
    const backend = this.configured ?? this.ownBackend();
    await backend.connect();
    return backend;
  }

  private ownBackend(): StateBackend {
    if (this.own === undefined) {
      this.own = backendOfBroker(this.config);
      this.own.events.subscribe(this.emit);
    }
    return this.own;
  }
}

import type { Broker, Message, Replies } from '../../brokers/broker.js';
import { ConfigurationError, DispatcherError, ShutdownError } from '../../errors.js';

/** How long a worker goes without an address before it tries again: after a failure that passes, and after one that may not. */
const TRY_AGAIN_MS = 5_000;
const TRY_AGAIN_LATER_MS = 60_000;

export interface ReplyQueueOptions {
  /** Something went wrong that nobody waits for. */
  warn(message: string): void;
  /** In milliseconds, never going back. */
  now(): number;
}

/**
 * The one reply queue of this process, for both its roles: as a caller it gets reports by it, and as a worker it is told
 * who listens. Opened by the first that needs it, closed by the broker.
 */
export class ReplyQueue {
  private readonly receivers = new Map<string, (message: Message) => void>();
  private readonly takers: ((message: Message) => boolean)[] = [];
  private opening: Promise<Replies> | undefined;
  private opened: Replies | undefined;
  private notBefore = -Infinity;
  private warned = false;

  constructor(private readonly broker: Pick<Broker, 'openReplies'>, private readonly options: ReplyQueueOptions) {}

  /**
   * What is of another type is dropped: a later version may send what this one does not know.
   *
   * @param types the empty one for messages that name none
   */
  on(types: readonly string[], receiver: (message: Message) => void): this {
    for (const type of types) this.receivers.set(type, receiver);
    return this;
  }

  /** Asked before all receivers whether a message is for it. */
  before(take: (message: Message) => boolean): void {
    this.takers.push(take);
  }

  /** Where it is open, its address. */
  get address(): string | undefined { return this.opened?.address; }

  /** @throws what keeps it from being opened; the next call tries again */
  open(): Promise<Replies> {
    const { broker } = this;
    if (broker.openReplies === undefined) {
      return Promise.reject(new ConfigurationError("This broker has no replies. Configure where results are kept, resultBackend: 'embedded:'.", { option: 'resultBackend' }));
    }
    return (this.opening ??= broker.openReplies((message) => this.receive(message)).then(
      (opened) => (this.opened = opened),
      (error: unknown) => {
        this.opening = undefined;
        throw error;
      },
    ));
  }

  /** For who can do without: the address as soon as there is one. The first call has it opened, and waits for nothing. */
  addressIfOpen(): string | undefined {
    if (this.opening === undefined && this.options.now() >= this.notBefore) this.open().catch((error: unknown) => this.failed(error));
    return this.address;
  }

  private receive(message: Message): void {
    if (this.takers.some((take) => take(message))) return;
    this.receivers.get(message.properties.type ?? '')?.(message);
  }

  private failed(error: unknown): void {
    const passes = error instanceof DispatcherError && error.retryable;
    this.notBefore = this.options.now() + (passes ? TRY_AGAIN_MS : TRY_AGAIN_LATER_MS);
    // That the connection is lost or closing is told where it happens.
    if (this.warned || passes || error instanceof ShutdownError) return;
    this.warned = true;
    this.options.warn('This worker has no queue by which it could be told that nobody listens to the progress of a task any more, so it goes on sending it. '
      + `Let its user configure queues named "<exchange>.replies.*": ${error instanceof Error ? error.message : String(error)}`);
  }
}

import { type BeforeUndelivered, type BrokerAddress, InvalidTaskError, keyWithoutLevel, type Message, type Topology, undeliveredHeaders, undeliveredQueueOf } from '../../../lib/index.js';

const LONGEST_DELAY_MS = 6.8 * 365 * 86_400_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const AGAIN_MS = 1_000;

interface Delayed extends Message {
  readonly address: BrokerAddress;
  readonly dueAt: number;
}

interface Host {
  /** False where no queue takes it. */
  routed(message: Message, address: BrokerAddress): boolean;
  declare(topology: Topology): Promise<void>;
  warn(message: string): void;
}

/** What waits out a delay, each with a timer of its own. */
export class OwnDelays {
  tell: BeforeUndelivered = () => undefined;
  private readonly timers = new Map<Delayed, ReturnType<typeof setTimeout>>();

  constructor(private readonly exchange: string, private readonly host: Host) {}

  get count(): number { return this.timers.size; }

  /** @throws InvalidTaskError */
  check(delayMs: number): void {
    if (!(delayMs <= LONGEST_DELAY_MS)) throw new InvalidTaskError(`A delay of ${delayMs} ms cannot be kept.`, { delayMs });
  }

  add({ body, properties }: Message, address: BrokerAddress, delayMs: number): void {
    this.arm({ body, properties, address, dueAt: Date.now() + delayMs }, delayMs);
  }

  within(boundsMs: readonly number[]): number[] {
    const counts = [...boundsMs.map(() => 0), 0];
    for (const { dueAt } of this.timers.keys()) {
      const bound = boundsMs.findIndex((one) => dueAt - Date.now() <= one);
      counts[bound < 0 ? boundsMs.length : bound]! += 1;
    }
    return counts;
  }

  stop(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private arm(delayed: Delayed, inMs: number): void {
    this.timers.set(delayed, setTimeout(() => this.due(delayed), Math.min(Math.max(1, inMs), LONGEST_TIMER_MS)));
  }

  private due(delayed: Delayed): void {
    const left = delayed.dueAt - Date.now();
    // A timer may be a little early.
    if (left > 0) return this.arm(delayed, left);
    const { address } = delayed;
    const plain = 'routingKey' in address ? keyWithoutLevel(address.routingKey, delayed.properties.headers) : undefined;
    if (this.host.routed(delayed, address) || (plain !== undefined && this.host.routed(delayed, { routingKey: plain }))) this.timers.delete(delayed);
    else void this.undeliverable(delayed).catch(() => { if (this.timers.has(delayed)) this.arm(delayed, AGAIN_MS); });
  }

  private async undeliverable(delayed: Delayed): Promise<void> {
    const [exchange, routingKey] = 'queue' in delayed.address ? ['', delayed.address.queue] : [this.exchange, delayed.address.routingKey];
    const problem = `No queue took "${routingKey}" when it was due.`;
    await this.tell({ ...delayed, exchange, routingKey }, problem);
    // Closed meanwhile.
    if (!this.timers.has(delayed)) return;
    const queue = undeliveredQueueOf(this.exchange);
    await this.host.declare({ queues: [{ name: queue }] });
    const headers = undeliveredHeaders(delayed.properties.headers, { exchange, routingKey, problem, at: new Date() });
    this.host.routed({ body: delayed.body, properties: { ...delayed.properties, headers } }, { queue });
    this.timers.delete(delayed);
    this.host.warn(`The message ${delayed.properties.messageId} is in "${queue}". ${problem}`);
  }
}

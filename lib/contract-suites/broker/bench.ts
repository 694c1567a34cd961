import { randomUUID } from 'node:crypto';
import type { Broker, Consumption, Delivery, Message, MessageProperties, QueueDeclaration } from '../../brokers/broker.js';
import { Arrivals, within } from './waiting.js';

/** One of these of jest or vitest. */
interface Matchers<Outcome> {
  toBe(expected: unknown): Outcome;
  toEqual(expected: unknown): Outcome;
  toMatchObject(expected: object): Outcome;
  toHaveLength(expected: number): Outcome;
  toContain(expected: unknown): Outcome;
  toBeUndefined(): Outcome;
  toBeInstanceOf(expected: unknown): Outcome;
  toThrow(expected: unknown): Outcome;
  toBeGreaterThan(least: number): Outcome;
  toBeGreaterThanOrEqual(least: number): Outcome;
  toBeLessThanOrEqual(most: number): Outcome;
}

/**
 * Those of vitest or jest. What is waited for takes from milliseconds to half a minute: give your runner a limit of 60 s for
 * each test.
 *
 * @publicApi
 */
export interface BrokerTestFunctions {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>, limitMs?: number) => unknown;
  readonly afterEach: (body: () => Promise<void>) => unknown;
  readonly expect: (value: unknown) => Matchers<unknown> & { readonly not: Matchers<unknown>; readonly rejects: Matchers<Promise<unknown>>; readonly resolves: Matchers<Promise<unknown>> };
  /**
   * Like `describe`, where groups of tests can run side by side: each has an exchange of its own, and what they do is to
   * wait. With vitest `describe.concurrent`, and `describe.sequential` as `describe`. Default: one after the other.
   */
  readonly sideBySide?: (name: string, body: () => void) => unknown;
}

/** What each part of the suite is given. */
export interface BrokerSuite extends BrokerTestFunctions {
  readonly bench: BrokerBench;
  readonly fixture: BrokerFixture;
  readonly capabilities: BrokerCapabilities;
}

/** @publicApi */
export interface BrokerFixture {
  /** The one exchange of its brokers. */
  readonly exchange: string;
  /** A new broker that was not connected yet. All that a fixture makes share one exchange and one place. */
  makeBroker(): Broker;
  /** Removes these queues from wherever they are kept. Nothing uses them any more. */
  removeQueues(queues: readonly string[]): Promise<void>;
  /** How to try its `openReplies`; `none`: this kind of broker has no replies, and must not seem to have them. */
  readonly replies: RepliesFixture | 'none';
}

/** @publicApi */
export interface RepliesFixture {
  /** A connected broker of the same exchange and place, which keeps the replies of a process that has gone for `keepMs`. */
  connectLosing(keepMs: number): Promise<LosingBroker>;
}

/** A broker whose connection the test can take away. @publicApi */
export interface LosingBroker {
  readonly broker: Broker;
  /** To the other side it is as if the process had died. Resolves once the broker knows. */
  lose(): Promise<void>;
  /** From now on it can connect again, and tries to. */
  giveBack(): void;
  /** Closes the broker too. */
  close(): Promise<void>;
}

/** What a kind of broker promises beyond the port. @publicApi */
export interface BrokerCapabilities {
  /** What was accepted outlives the broker object, and several objects share the queues. */
  readonly outlivesItsObject: boolean;
  /** `Delivery.deliveryCount` is how often a process died that held the message, and nothing else. */
  readonly countsDeaths: boolean;
  /** It has `first`: a message can be looked at where it stands. */
  readonly showsFirst: boolean;
}

export const CLOSE_LIMIT_MS = 5_000;

/** What a test opens through it is closed and removed after that test, whatever happened. */
export class BrokerBench {
  private readonly brokers: Broker[] = [];
  private readonly queues = new Set<string>();

  constructor({ afterEach }: BrokerTestFunctions, private readonly fixture: BrokerFixture) {
    afterEach(() => this.cleanUp());
  }

  /** A broker that was not connected yet. */
  make(): Broker {
    const broker = this.fixture.makeBroker();
    this.brokers.push(broker);
    return broker;
  }

  async connect(): Promise<Broker> {
    const broker = this.make();
    await broker.connect();
    return broker;
  }

  /** A name of one's own; queues of this name are removed afterwards. */
  name(purpose = 'queue'): string {
    const name = `${purpose}-${randomUUID().slice(0, 8)}`;
    this.queues.add(name);
    return name;
  }

  /** A connected broker and a declared queue, bound with its own name as the key. */
  async withQueue(declaration: Partial<QueueDeclaration> = {}): Promise<{ broker: Broker; queue: string }> {
    const broker = await this.connect();
    const queue = this.name();
    await broker.declare({ queues: [{ name: queue, bindingKeys: [queue], ...declaration }] });
    return { broker, queue };
  }

  private async cleanUp(): Promise<void> {
    const closing = this.brokers.splice(0).map((broker) => broker.close(CLOSE_LIMIT_MS));
    await within(Promise.all(closing), CLOSE_LIMIT_MS + 5_000, 'every broker to close');
    await this.fixture.removeQueues([...this.queues]);
    this.queues.clear();
  }
}

export function message(body: string | Buffer = '{}', properties: MessageProperties = {}): Message {
  return { body: typeof body === 'string' ? Buffer.from(body) : body, properties };
}

/** Publishes bodies to one queue at once, in this order, and waits until all are accepted. */
export async function publishAll(broker: Broker, queue: string, bodies: readonly string[]): Promise<void> {
  await Promise.all(bodies.map((body) => broker.publish(message(body), { queue })));
}

/** `prefix-0`, `prefix-1`, ... */
export function numbered(count: number, prefix = 'm'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

export interface Consumer {
  deliveries: Arrivals<Delivery>;
  consumption: Consumption;
  bodies: () => string[];
}

/** Collects deliveries; settles none of them unless told how. */
export async function collect(broker: Broker, queue: string, prefetch: number, settle: (delivery: Delivery) => void = () => undefined): Promise<Consumer> {
  const deliveries = new Arrivals<Delivery>();
  const consumption = await broker.consume(queue, { tag: `test-${queue}`, prefetch }, (delivery) => {
    settle(delivery);
    deliveries.add(delivery);
  });
  return { deliveries, consumption, bodies: () => deliveries.all.map(bodyOf) };
}

export function acknowledge(delivery: Delivery): void {
  delivery.ack();
}

export function bodyOf(delivery: Delivery): string {
  return delivery.body.toString();
}

import type { Delivery, Message } from '../../lib/brokers/broker.js';
import { EmbeddedBroker } from '../../lib/brokers/embedded/embedded-broker.js';
import { RedisBroker } from '../../lib/brokers/redis/redis-broker.js';
import { Ledger } from './ledger.js';
import { startScript, type Child } from './processes.js';
import { Arrivals, eventually } from './wait.js';

/** What other systems keep in Redis: what a task with this uuid is to them. */
const FOREIGN = {
  sidekiq: (uuid: string) => ({ class: 'T', args: [], jid: uuid }),
  gocraft: (uuid: string) => ({ name: 'T', id: uuid, t: 1, args: null }),
  machinery: (uuid: string) => ({ UUID: uuid, Name: 'T', Args: null }),
  celery: () => [[], {}, {}],
};

export type ForeignKind = keyof typeof FOREIGN;
/** A foreign one is a queue as that system keeps it, in Redis. */
export type BrokerKind = 'redis' | 'embedded' | ForeignKind;
export const FOREIGN_KINDS = Object.keys(FOREIGN) as ForeignKind[];
export type KillableBroker = RedisBroker | EmbeddedBroker;

/** A delivery that a child process has said it got. */
export interface Started { uuid: string; redelivered: boolean; count: number }

export const KILL_LIMIT_MS = 120_000;
const QUEUE = 'work';
/** Short, so that a frozen process is given up soon. */
const SILENT_MS = 6_000;

/** @param location A Redis URL, or a folder. */
export async function openBroker(kind: BrokerKind, location: string, queue: string): Promise<KillableBroker> {
  const broker = kind === 'embedded'
    ? new EmbeddedBroker({ location, exchange: 'faults' })
    : new RedisBroker({ url: location, exchange: 'faults', reconnection: { retries: 'forever' }, silentMs: SILENT_MS, publishing: { maxWaitMs: KILL_LIMIT_MS } });
  await broker.connect();
  await broker.declare({ queues: [{ name: queue, bindingKeys: [queue], ...(kind in FOREIGN ? { format: kind } : {}) }] });
  return broker;
}

/** One queue, brokers on it within this process, and children that consume from it or publish to it until they are killed. */
export class BrokerProcesses {
  readonly queue = QUEUE;
  private readonly brokers: KillableBroker[] = [];
  private readonly children: Child[] = [];

  constructor(private readonly kind: BrokerKind, private readonly location: string) {}

  async open(): Promise<KillableBroker> {
    const broker = await openBroker(this.kind, this.location, QUEUE);
    this.brokers.push(broker);
    return broker;
  }

  /** @param hold Which deliveries it keeps until it reads a line "release". */
  async startConsumer(prefetch: number, hold: 'none' | 'tenth' | 'all'): Promise<Child> {
    const child = this.start('consume', String(prefetch), hold);
    await child.line(/"ready"/, KILL_LIMIT_MS);
    return child;
  }

  startPublisher(count: number, delayMs: number): Child {
    return this.start('publish', String(count), String(delayMs));
  }

  private start(...args: string[]): Child {
    const child = startScript('test/faults/broker-child.ts', { args: [this.kind, this.location, QUEUE, ...args] });
    this.children.push(child);
    return child;
  }

  async stop(): Promise<void> {
    await Promise.all(this.children.splice(0).map((child) => child.stop()));
    await Promise.all(this.brokers.splice(0).map((broker) => broker.close(5_000)));
  }
}

function messageOf(uuid: string, kind: BrokerKind): Message {
  if (!(kind in FOREIGN)) return { body: Buffer.from(uuid), properties: {} };
  return { body: Buffer.from(JSON.stringify(FOREIGN[kind as ForeignKind](uuid))), properties: { messageId: uuid, headers: { id: uuid, task: 'T' } } };
}

/** Of what {@link publishTasks} publishes. */
export function uuidOf({ body, properties: { messageId } }: Message): string {
  return messageId ?? body.toString();
}

/** Publishes `task-0` and so on, all at once. */
export async function publishTasks(to: KillableBroker, count: number, ledger = new Ledger(), kind: BrokerKind = 'redis'): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => `task-${index}`)
    .map((uuid) => ledger.offer(uuid, () => to.publish(messageOf(uuid, kind), { routingKey: QUEUE }))));
}

/** @param booked Called with each as it arrives. */
export async function collect(from: KillableBroker, count: number, booked: (delivery: Delivery) => void = () => undefined): Promise<readonly Delivery[]> {
  const arrivals = new Arrivals<Delivery>();
  await from.consume(QUEUE, { tag: 'test', prefetch: 200 }, (delivery) => {
    booked(delivery);
    delivery.ack();
    arrivals.add(delivery);
  });
  return arrivals.count(count, KILL_LIMIT_MS);
}

export function startedBy(child: Child): Started[] {
  return saidBy<Started>(child, '{"kind":"started"');
}

export function acceptedBy(child: Child): string[] {
  return saidBy<Started>(child, '{"kind":"accepted"').map(({ uuid }) => uuid);
}

/** Of each delivery that it held and was told to release: whether it still was its own. */
export function releasedInTime(child: Child): boolean[] {
  return saidBy<{ inTime: boolean }>(child, '{"settled"').map(({ inTime }) => inTime);
}

function saidBy<T>(child: Child, beginning: string): T[] {
  return child.lines.all.filter((line) => line.startsWith(beginning)).map((line) => JSON.parse(line) as T);
}

/** Books what these children have printed, until nothing is lost. */
export async function settled(ledger: Ledger, children: readonly Child[]): Promise<void> {
  const read = children.map(() => 0);
  const bookNewLines = (): string[] => {
    children.forEach(({ lines }, child) => {
      while (read[child]! < lines.all.length) ledger.addLine(lines.all[read[child]!++] as string);
    });
    return ledger.lost();
  };
  await eventually(bookNewLines, (lost) => lost.length === 0, 'every accepted message to be finished', { limitMs: KILL_LIMIT_MS });
}

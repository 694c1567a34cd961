import { BatchLine } from '../../redis/batch-line.js';
import { clock, type ClockTimer } from '../../time/clock.js';
import { within } from '../../time/within.js';
import type { MessageProperties } from '../broker.js';
import type { Settlement, TakenMessage } from '../store/queue-store.js';
import type { StoredMessage } from './message-record.js';
import type { RedisSession } from './redis-session.js';
import type { BrokerScript } from './scripts/prelude.js';

export interface SettlementsHost {
  /** Under which name this process holds messages now. */
  owner(): string;
  /** Others may think this process dead by now, and have taken over what it holds. */
  isInDoubt(): boolean;
  /** What was taken or settled was not ours any more: the lease may be lost. */
  missed(): void;
  warning(message: string): void;
}

export interface SettlementScripts { readonly reconcile: BrokerScript; readonly settle: BrokerScript }

const BATCHES = { most: 1_000, mostBytes: Infinity, mostUnderWay: 2 };
const WRITTEN_LIMIT_MS = 10_000;
const REFUSED_PAUSE_MS = 1_000;

const HOW: Readonly<Record<Settlement, string>> = { ack: 'a', requeue: 'r', untake: 'u' };

/** By which take a message came, of how many deaths. */
export interface Take { readonly id: string; readonly take: string; readonly owner: string; readonly deaths: string }

/** A message that this process holds. */
export abstract class HeldMessage implements TakenMessage {
  readonly id: string;
  readonly take: string;
  readonly owner: string;
  readonly redelivered: boolean;
  readonly deliveryCount: number;
  abstract readonly order: number | undefined;

  constructor({ id, take, owner, deaths }: Take, protected message: StoredMessage) {
    this.id = id;
    this.take = take;
    this.owner = owner;
    this.redelivered = deaths !== '';
    this.deliveryCount = Number(deaths);
  }

  get body(): Buffer { return this.message.body; }
  get properties(): MessageProperties { return this.message.properties; }
  get exchange(): string { return this.message.exchange; }
  get routingKey(): string { return this.message.routingKey; }
}

/** The answer of a script that takes: after one entry, three for each message. */
export function readTaken<Taken>(reply: readonly (Buffer | number)[], by: Omit<Take, 'id' | 'deaths'>, make: (take: Take, record: Buffer) => Taken): Taken[] {
  const found: Taken[] = [];
  for (let at = 1; at < reply.length; at += 3) {
    const [id, record, deaths] = reply.slice(at, at + 3) as [Buffer, Buffer, Buffer];
    found.push(make({ ...by, id: id.toString(), deaths: deaths.toString() }, record));
  }
  return found;
}

interface Settling<Taken> { readonly how: string; readonly taken: Taken }

/** What this process has in its hands, by number, and what it has let go of and Redis has yet to hear. */
export class Settlements<Taken extends HeldMessage> {
  readonly held = new Map<string, Taken>();
  private readonly settling: BatchLine<Settling<Taken>>;
  private session: RedisSession | undefined;
  private pause: ClockTimer | undefined;

  constructor(private readonly host: SettlementsHost, private readonly scripts: SettlementScripts) {
    this.settling = new BatchLine(BATCHES, { send: (batch) => this.send(batch), canSend: () => this.session !== undefined && this.pause === undefined, bytesOf: () => 0 });
  }

  /** The lease stands, on this connection. What one side believes and the other does not know is put right. */
  async reconcile(session: RedisSession): Promise<void> {
    // What is settled and not sent yet is still held there.
    const known = [...this.held.values(), ...this.settling.waiting.map(({ taken }) => taken)].flatMap(({ id, take }) => [id, take]);
    for (const id of await session.call<string[]>(this.scripts.reconcile, [this.host.owner(), ...known])) this.held.delete(id);
  }

  connected(session: RedisSession): void {
    this.session = session;
    this.settling.schedule();
  }

  disconnected(): void {
    this.session = undefined;
    clock.clear(this.pause);
    this.pause = undefined;
  }

  /** Redis has given all to others. */
  leaseLost(): void {
    this.held.clear();
  }

  keep(found: readonly Taken[]): readonly Taken[] {
    for (const taken of found) this.held.set(taken.id, taken);
    return found;
  }

  holds(taken: Taken): boolean {
    return this.held.get(taken.id) === taken;
  }

  /** False where it is not known to be in time. */
  settle(taken: Taken, how: Settlement): boolean {
    if (!this.holds(taken)) return false;
    this.held.delete(taken.id);
    this.settling.add({ how: HOW[how], taken });
    return !this.host.isInDoubt();
  }

  async written(): Promise<void> {
    await within(WRITTEN_LIMIT_MS, this.settling.idle());
  }

  private async send(batch: readonly Settling<Taken>[]): Promise<void> {
    const { session } = this;
    const owner = this.host.owner();
    // What an earlier owner held is with others.
    const ours = batch.filter(({ taken }) => taken.owner === owner);
    if (ours.length === 0) return;
    if (session === undefined) throw new Error('not connected');
    try {
      const settled = await session.call<number>(this.scripts.settle, [owner, ...ours.flatMap(({ how, taken }) => [how, taken.id, taken.take])]);
      if (settled < ours.length) this.host.missed();
    } catch (error) {
      if (session === this.session) this.rest(error as Error);
      throw error;
    }
  }

  /** Redis is there and does not want it: it is tried again, not at once. */
  private rest(error: Error): void {
    if (this.pause !== undefined) return;
    this.host.warning(`What was worked off cannot be settled now, and is tried again in ${REFUSED_PAUSE_MS / 1000} s. ${error.message}`);
    this.pause = clock.setTimeout(() => {
      this.pause = undefined;
      this.settling.schedule();
    }, REFUSED_PAUSE_MS);
  }
}

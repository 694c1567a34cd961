import { randomUUID } from 'node:crypto';
import type { ChannelModel, ConsumeMessage } from 'amqplib';
import { clock, type ClockTimer } from '../../time/clock.js';
import { KeeperChannel, type KeeperChannelListener } from './keeper-channel.js';
import { KeeperClock } from './keeper-clock.js';
import { KeeperLog } from './keeper-log.js';
import { MalformedMessageError } from './ledger-frame.js';
import type { LedgerOptions } from './ledger-options.js';
import type { Operation, StateOperation, WatchOperation } from './ledger-operation.js';
import { decodeRecord, type RecordContent } from './ledger-record.js';
import type { FoundLedgerQueues } from './ledger-queues.js';
import { encodeTold, type Reply } from './ledger-reply.js';
import { readRequest, replyMessages, type Request } from './ledger-request.js';
import { LedgerState, type Decision } from './ledger-state.js';
import { type LogRecord, newRecord } from './log-record.js';
import { Registrations } from './registrations.js';

export interface KeeperListener {
  /** Called once: the channel is gone, or the keeper has given it up. Another one keeps the ledger now. */
  lost(error: Error): void;
  warning(message: string): void;
}

const TICK_MS = 1000;
/** Written anew at a time, so that requests come between. */
const RENEWED_AT_ONCE = 500;
/** With each record, while the queue is worn: one keeps up with what becomes outdated, the other gains on it. */
const RENEWED_WITH_EACH = 2;
/** Larger values are told as a hint: to be read by those who want them. */
const MAX_TOLD_BYTES = 64 * 1024;
/** A quorum queue drops what comes back more often than its limit; 20 is RabbitMQ's own from 4.0 on. Each keeper that goes gives all back. */
const MOST_RETURNS = 5;
/** In the place of a time: to be written anew at once. */
const RETURNED_OFTEN = -Infinity;
/** A record or a replay that makes no progress for so long will not make any. */
const STUCK_AFTER_MS = 60_000;

/**
 * Keeps the ledger while RabbitMQ gives this consumer the queue, which it gives to one at a time.
 *
 * One queue holds the records, another one the requests. A request is decided here, in the order of its
 * queue; what it changes is written as a record, and only when the server has confirmed that (and all written
 * before it) is the request acknowledged and answered. The records that make up the present state are
 * never acknowledged: when this keeper goes, the server gives them to the next one, in order, and
 * before anything newer. The next one knows that it has them all when a marker of its own comes back; then it takes the requests.
 */
export class LedgerKeeper implements KeeperChannelListener {
  private readonly id = randomUUID();
  private readonly state: LedgerState;
  private readonly clock = new KeeperClock();
  private readonly log: KeeperLog;
  private readonly registrations: Registrations;
  private phase: 'waiting' | 'replaying' | 'keeping' = 'waiting';
  /** What the records of earlier keepers say to have been done. */
  private readonly replayed = new Set<string>();
  private marker: { readonly tag: number; since: number } | undefined;
  private progressAt = clock.elapsed();
  private timer: ClockTimer | undefined;
  private channel!: KeeperChannel;

  private constructor(private readonly options: Required<LedgerOptions>, private readonly listener: KeeperListener, window: number | undefined) {
    this.log = new KeeperLog(this.id, this.clock, {
      write: (body, writeOptions, onConfirm) => this.channel.write(body, writeOptions, onConfirm),
      acknowledge: (tag) => this.channel.acknowledge(tag),
      progressed: () => { this.progressAt = clock.elapsed(); },
    }, window);
    this.state = new LedgerState(options);
    this.registrations = new Registrations(options.maxEntries);
  }

  /**
   * Stands by from then on, and keeps the ledger once it is this one's turn.
   *
   * @param window see {@link KeeperLog}
   */
  static async open(model: ChannelModel, queues: FoundLedgerQueues, options: Required<LedgerOptions>, listener: KeeperListener, window?: number): Promise<LedgerKeeper> {
    const keeper = new LedgerKeeper(options, listener, window);
    keeper.channel = await KeeperChannel.open(model, queues, keeper);
    await keeper.channel.consumeRecords();
    // An empty queue would tell nobody that it is his turn.
    keeper.mark('');
    keeper.timer = clock.setInterval(() => keeper.tick(), TICK_MS).unref();
    return keeper;
  }

  /** Lets go at once. */
  drop(): void {
    clock.clear(this.timer);
    this.channel.end();
  }

  /** Gives the queue to the next one in good order. May never settle on a dead connection. */
  close(): Promise<void> {
    clock.clear(this.timer);
    return this.channel.close();
  }

  /** Part of {@link KeeperChannelListener}. */
  lost(error: Error): void {
    clock.clear(this.timer);
    this.listener.lost(error);
  }

  /** Part of {@link KeeperChannelListener}. */
  warning(message: string): void {
    this.listener.warning(message);
  }

  /** Part of {@link KeeperChannelListener}. */
  delivered(message: ConsumeMessage): void {
    if (this.phase === 'waiting') this.startReplay();
    this.progressAt = clock.elapsed();
    const { type } = message.properties as { type?: string };
    const understood = this.understand(() => {
      if (type === 'record') this.onRecord(message);
      else if (type === 'marker') this.onMarker(message);
      else throw new MalformedMessageError('a message that is no record');
    });
    if (understood !== undefined) this.channel.acknowledge(message.fields.deliveryTag);
  }

  /** Part of {@link KeeperChannelListener}. */
  requested(message: ConsumeMessage): void {
    const problem = this.understand(() => this.serve(readRequest(message)));
    if (problem === undefined) return;
    const { correlationId, replyTo } = message.properties as { correlationId?: string; replyTo?: string };
    this.channel.acknowledgeRequest(message.fields.deliveryTag);
    this.reply(replyTo, correlationId ?? '', [{ kind: 'refused', reason: 'not understood', text: problem }]);
  }

  /** What is wrong with it, if it is nothing of ours. */
  private understand(work: () => void): string | undefined {
    try {
      work();
      return undefined;
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      this.listener.warning(`The ledger's queue brought ${error.message}. It was dropped; nothing but dispatchers of this version may publish there.`);
      return error.message;
    }
  }

  private startReplay(): void {
    this.phase = 'replaying';
    this.mark(this.id);
  }

  private mark(name: string): void {
    this.channel.write(Buffer.alloc(0), { type: 'marker', messageId: name, persistent: false }, () => undefined);
  }

  /** One's own is kept, so that the next keeper is given something at once; it too is written anew in time. */
  private onMarker({ fields, properties }: ConsumeMessage): void {
    const isOwn = properties.messageId === this.id;
    const old = isOwn ? this.marker?.tag : fields.deliveryTag;
    if (old !== undefined) this.channel.acknowledge(old);
    if (!isOwn) return;
    this.marker = { tag: fields.deliveryTag, since: this.clock.now() };
    if (this.phase === 'keeping') return;
    this.phase = 'keeping';
    // Its confirm says that what was replayed is on disk: until then nobody is told anything that rests on it.
    this.writeOnly({ kind: 'checkpoint' });
    this.renew(Infinity, ({ since }) => since === RETURNED_OFTEN);
    this.channel.consumeRequests().catch((error: Error) => this.channel.fail(error));
  }

  private onRecord(message: ConsumeMessage): void {
    if (this.log.cameBack(message.properties.messageId as string, message.fields.deliveryTag)) return;
    const { content, writtenAt } = decodeRecord(message.content);
    // There is one keeper at a time. Were there two, only a replay could say what is right.
    if (this.phase === 'keeping') throw new Error('another keeper has written into the ledger');
    this.clock.startFrom(writtenAt);
    this.replay(newRecord(content, hasReturnedOften(message) ? RETURNED_OFTEN : this.clock.now()), message.fields.deliveryTag);
  }

  private replay(record: LogRecord, tag: number): void {
    const { content } = record;
    if ('operation' in content) this.replayed.add(content.operation);
    this.log.replayed(record, tag, this.state.put(record));
  }

  private serve({ address, tag, again, operations }: Request): void {
    const decisions = operations.map(({ id, operation }) => this.done(operation, address, { id, again }));
    this.log.whenSafe(() => {
      this.channel.acknowledgeRequest(tag);
      this.reply(address, operations[0]?.id ?? '', decisions.map(({ reply }) => reply));
      for (const { record } of decisions) if (record?.content.kind === 'value') this.tellWatchers(record.content.key, record.content.value);
    });
  }

  private done(operation: Operation, address: string | undefined, asked: { id: string; again: boolean }): Decision {
    if (operation.kind === 'subscribe' || operation.kind === 'unsubscribe' || operation.kind === 'renew') return { reply: this.watch(operation, address) };
    const decision = this.decide(operation, asked);
    if (decision.record !== undefined) this.write(decision.record, decision.superseded ?? []);
    return decision;
  }

  private decide(operation: StateOperation, { id, again }: { id: string; again: boolean }): Decision {
    // An earlier keeper had it, and a record says that it was done. A killed server does not say of all that it has delivered them before.
    if (this.replayed.has(id)) return { reply: this.state.replyToRepeated(operation) };
    // For all that is known here, it was answered with no: then it must not be done now. Who still waits for an answer asks anew.
    if (again) return { reply: { kind: 'again' } };
    try {
      return this.state.apply(operation, { id, now: this.clock.now() });
    } catch (error) {
      // A defect here must not bring down one keeper after the other.
      const text = `it could not be decided: ${(error as Error).message}`;
      this.listener.warning(`A request to the ledger was refused, because ${text}.`);
      return { reply: { kind: 'refused', reason: 'not understood', text } };
    }
  }

  private watch(operation: WatchOperation, address: string | undefined): Reply {
    const yes = address !== undefined && this.registrations.apply(address, operation, clock.elapsed());
    return yes === 'full' ? { kind: 'refused', reason: 'full', text: `more than ${this.options.maxEntries} keys are watched already` } : { kind: 'answer', yes };
  }

  private reply(address: string | undefined, first: string, replies: readonly Reply[]): void {
    if (address === undefined) return;
    for (const { type, correlationId, body } of replyMessages(this.id, first, replies)) this.channel.tell(address, body, { type, correlationId });
  }

  private tellWatchers(key: string, value: Buffer): void {
    let body: Buffer | undefined;
    for (const address of this.registrations.of(key)) {
      body ??= encodeTold({ key, value: value.length > MAX_TOLD_BYTES ? undefined : value });
      this.channel.tell(address, body, { type: 'told' });
    }
  }

  private tick(): void {
    if (this.isStuck()) return this.channel.fail(new Error(`nothing has moved for ${STUCK_AFTER_MS / 1000} s`));
    if (this.phase !== 'keeping') return;
    this.registrations.forgetSilent(clock.elapsed());
    this.log.expired(this.state.takeExpired(this.clock.now()));
    this.refresh();
    this.log.flush();
    if (this.log.needsCheckpoint) this.writeOnly({ kind: 'checkpoint' });
  }

  private write(record: LogRecord, superseded: readonly LogRecord[]): void {
    this.log.write(record, superseded);
    if (this.log.isWorn) this.renew(RENEWED_WITH_EACH, () => true);
  }

  /**
   * Writes anew what was delivered long ago: RabbitMQ closes a channel on which something is
   * unacknowledged for half an hour.
   */
  private refresh(): void {
    const now = this.clock.now();
    const due = now - this.options.refreshMs;
    if (this.marker !== undefined && this.marker.since <= due) {
      this.marker.since = now;
      this.mark(this.id);
    }
    this.renew(RENEWED_AT_ONCE, ({ since }) => since <= due || this.log.isWorn);
  }

  /** The oldest records of the present state, as long as they are due. */
  private renew(most: number, isDue: (record: LogRecord) => boolean): void {
    let count = 0;
    for (const record of this.log.current) {
      if (!isDue(record) || ++count > most) return;
      this.writeOnly(record.content);
    }
  }

  private writeOnly(content: RecordContent): void {
    const record = newRecord(content, this.clock.now());
    this.log.write(record, this.state.put(record));
  }

  private isStuck(): boolean {
    const busy = this.phase === 'replaying' || this.log.isWriting;
    if (!busy) this.progressAt = clock.elapsed();
    return clock.elapsed() - this.progressAt > STUCK_AFTER_MS;
  }
}

function hasReturnedOften({ properties }: ConsumeMessage): boolean {
  return Number(properties.headers?.['x-delivery-count'] ?? 0) >= MOST_RETURNS;
}

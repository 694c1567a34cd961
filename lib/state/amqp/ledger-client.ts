import { randomUUID } from 'node:crypto';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { answered, openChannel } from '../../amqp/open-channel.js';
import { DispatcherError, ResultBackendError, ResultBackendFullError, ResultBackendTimeoutError, ResultBackendUnavailableError } from '../../errors.js';
import { clock } from '../../time/clock.js';
import { unpack } from './ledger-frame.js';
import { encodeOperation, type Operation } from './ledger-operation.js';
import { LedgerOutbox } from './ledger-outbox.js';
import type { LedgerQueues } from './ledger-queues.js';
import { decodeReply, decodeTold, type Reply, type SignedReply, type Told } from './ledger-reply.js';
import { encodeOperations, laterId, REPLIES, REQUEST, REQUESTS } from './ledger-request.js';

export interface ClientListener {
  /** Called once. */
  lost(error: Error): void;
  told(told: Told): void;
  /** Which keeper has answered. */
  answeredBy(keeper: string): void;
  warning(message: string): void;
}

export interface ClientSettings {
  readonly queues: LedgerQueues;
  readonly display: string;
  /** After so long nobody waits for an answer any more. */
  readonly answerLimitMs: number;
}

type Refused = Extract<Reply, { kind: 'refused' }>;
export type Answer = Exclude<Reply, Refused | { kind: 'again' }>;

interface Pending { readonly operation: Operation; readonly since: number; readonly resolve: (reply: Answer) => void; readonly reject: (error: DispatcherError) => void }

const REPLY_TO = 'amq.rabbitmq.reply-to';

/** Asks whoever keeps the ledger. Requests and answers are lost with the server or the connection, and then rejected. */
export class LedgerClient {
  private readonly name = randomUUID();
  private requests = 0;
  private readonly pending = new Map<string, Pending>();
  private readonly outbox = new LedgerOutbox();
  /** How many were sent together, by the name of the first; until that is answered. */
  private readonly together = new Map<string, number>();
  /** A keeper of an older version, which takes one thing at a time. */
  private plainKeeper: string | undefined;
  private ended = false;
  private channel!: Channel;

  private constructor(private readonly settings: ClientSettings, private readonly listener: ClientListener) {}

  static async open(model: ChannelModel, settings: ClientSettings, listener: ClientListener): Promise<LedgerClient> {
    const client = new LedgerClient(settings, listener);
    const channel = await openChannel(model, { closed: ({ text }) => client.fail(new Error(text)), warning: (message) => listener.warning(message) });
    client.channel = channel;
    channel.on('return', () => client.fail(new Error(`the queue "${settings.queues.requests}" is gone`)));
    await answered(channel.consume(REPLY_TO, (message) => client.onMessage(message), { noAck: true }), 'basic.consume');
    return client;
  }

  /** Resolves when what was asked is done for good, and what is answered rests on nothing that could be lost. */
  request(operation: Operation): Promise<Answer> {
    if (this.ended) return Promise.reject(this.unavailable());
    this.forgetOld();
    return new Promise((resolve, reject) => this.ask({ operation, since: clock.elapsed(), resolve, reject }));
  }

  /** Asked, but no answer is wanted. */
  tell(operation: Operation): void {
    this.flush();
    this.publish(REQUEST, encodeOperation(operation), undefined);
  }

  /** Rejects when the connection does not work. */
  async ping(): Promise<void> {
    await this.channel.checkQueue(this.settings.queues.records);
  }

  /** Lets go at once: what is pending rejects. */
  drop(): void {
    this.ended = true;
    for (const { reject } of this.pending.values()) reject(this.unavailable());
    this.pending.clear();
    this.together.clear();
    this.outbox.takeAll();
  }

  /** With whatever else this turn of the event loop asks. */
  private ask(pending: Pending): void {
    const { operation } = pending;
    if (!this.outbox.takes(operation) || this.plainKeeper !== undefined) this.flush();
    const number = ++this.requests;
    this.pending.set(this.idOf(number), pending);
    if (this.outbox.size === 0) process.nextTick(flush, this);
    this.outbox.add(operation, number);
  }

  /** For those who call it back: sends what was asked so far. */
  flush(): void {
    if (this.outbox.size === 0) return;
    const { first, operations } = this.outbox.takeAll();
    const id = this.idOf(first);
    if (operations.length === 1) return this.publish(REQUEST, encodeOperation(operations[0]!), id);
    this.together.set(id, operations.length);
    this.publish(REQUESTS, encodeOperations(operations), id);
  }

  private idOf(number: number): string {
    return `${this.name}.${number}`;
  }

  private publish(type: string, body: Buffer, correlationId: string | undefined): void {
    try {
      // Not kept by the server: an answer means that it was done; without one it is asked again.
      this.channel.publish('', this.settings.queues.requests, body, { type, persistent: false, mandatory: true, replyTo: REPLY_TO, ...(correlationId === undefined ? {} : { correlationId }) });
    } catch (error) {
      this.fail(error as Error);
    }
  }

  private onMessage(message: ConsumeMessage | null): void {
    if (this.ended) return;
    // A throw in here would end the connection.
    try {
      if (message === null) throw new Error('the server cancelled the consumer of answers');
      if (message.properties.type === 'told') return this.listener.told(decodeTold(message.content));
      this.onReply(message);
    } catch (error) {
      this.fail(error as Error);
    }
  }

  private onReply({ properties, content }: ConsumeMessage): void {
    const { correlationId, type } = properties as { correlationId: string; type?: string };
    const bodies = type === REPLIES ? unpack(content).allValues : [content];
    for (const [i, body] of bodies.entries()) this.answered(i === 0 ? correlationId : laterId(correlationId, i), decodeReply(body));
  }

  private answered(id: string, { keeper, reply }: SignedReply): void {
    const together = this.together.get(id) ?? 1;
    this.together.delete(id);
    if (this.plainKeeper !== keeper) this.plainKeeper = undefined;
    if (reply.kind === 'refused' && reply.reason === 'not understood' && together > 1) this.askEach(id, together, keeper);
    else this.settle(id, reply);
    this.listener.answeredBy(keeper);
  }

  private settle(id: string, reply: Reply): void {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    if (reply.kind === 'refused') pending?.reject(this.refused(reply));
    else if (reply.kind !== 'again') pending?.resolve(reply);
    else if (pending !== undefined && !this.isOld(pending)) this.ask(pending);
  }

  /** A keeper that knows of no message with several has done none of it. */
  private askEach(first: string, count: number, keeper: string): void {
    this.plainKeeper = keeper;
    for (let i = 0; i < count; i++) this.settle(i === 0 ? first : laterId(first, i), { kind: 'again' });
  }

  /** The supervisor has given up on them long ago. */
  private forgetOld(): void {
    for (const [id, pending] of this.pending) {
      if (!this.isOld(pending)) return;
      this.pending.delete(id);
      this.together.delete(id);
      pending.reject(new ResultBackendTimeoutError(`The ledger at ${this.settings.display} did not answer.`));
    }
  }

  private isOld({ since }: Pending): boolean {
    return clock.elapsed() - since > this.settings.answerLimitMs;
  }

  private fail(error: Error): void {
    if (this.ended) return;
    this.drop();
    this.listener.lost(error);
  }

  private refused({ reason, text }: Refused): DispatcherError {
    const { display } = this.settings;
    if (reason === 'full') {
      return new ResultBackendFullError(
        `The ledger at ${display} is full: ${text}. Let entries expire sooner (resultsExpireInSeconds), raise ledger.maxBytes or ledger.maxEntries, or keep them in Redis or MongoDB.`);
    }
    return new ResultBackendError(`The keeper of the ledger at ${display} did not understand what it was asked: ${text}. All processes that use it must run the same version of this library.`);
  }

  private unavailable(): ResultBackendUnavailableError {
    return new ResultBackendUnavailableError(`The connection to the ledger at ${this.settings.display} is gone.`);
  }
}

function flush(client: LedgerClient): void {
  client.flush();
}

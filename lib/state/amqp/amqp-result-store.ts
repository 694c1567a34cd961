import type { ConnectionOptions } from 'node:tls';
import type { ChannelModel } from 'amqplib';
import { type Endpoint, parseEndpoint } from '../../amqp/endpoint.js';
import { Secret } from '../../urls/secret.js';
import { openConnection } from '../../amqp/open-connection.js';
import { ledgerRecordsOf, ledgerRequestsOf, returnsQueueOf } from '../../amqp/queue-forms.js';
import { ConfigurationError, ResultBackendUnavailableError } from '../../errors.js';
import type { Claim, MemberCount, StateBackendCapabilities } from '../state-backend.js';
import type { MembersPage, ResultStore, StoreListener } from '../result-store.js';
import { type Answer, LedgerClient } from './ledger-client.js';
import { ledgerFailure, ledgerLost } from './ledger-failure.js';
import { LedgerKeeper } from './ledger-keeper.js';
import type { Operation } from './ledger-operation.js';
import { checkLedgerOptions, type LedgerOptions } from './ledger-options.js';
import { declareLedgerQueues, type LedgerQueues, MOST_ENTRIES_IN_QUORUM, quorumLedgerWarning } from './ledger-queues.js';
import { LedgerWatches } from './ledger-watches.js';

/** A message of the ledger holds two of them at most; RabbitMQ 4 carries 16 MiB. */
const MAX_VALUE_BYTES = 1024 * 1024;
/** A frozen keeper is noticed by the server after two of them. `?heartbeat=` in the URL wins. */
const HEARTBEAT_SECONDS = 5;

export interface AmqpStoreSettings {
  readonly exchange?: string | undefined;
  readonly ledger?: LedgerOptions | undefined;
  readonly tls?: ConnectionOptions | undefined;
  readonly connectTimeoutMs: number;
  readonly operationTimeoutMs: number;
}

/** What lives and dies with one connection. */
interface Session {
  readonly socket: AbortController;
  model?: ChannelModel;
  client?: LedgerClient;
  keeper?: LedgerKeeper;
  watches?: LedgerWatches;
}

/**
 * Results in RabbitMQ, with nothing beside it: a queue is the log of all entries, and one of the
 * processes that use it keeps them, until another one has to. See `docs/result-backends.md`.
 */
export class AmqpResultStore implements ResultStore {
  readonly display: string;
  readonly capabilities: StateBackendCapabilities = {
    readableByAnyProcess: true, pushes: true, survivesRestart: true, mayEvict: false, maxValueBytes: MAX_VALUE_BYTES, expiresLateMs: 0,
  };
  private readonly endpoint: Endpoint;
  /** A key of TLS may have a passphrase. */
  readonly #settings: AmqpStoreSettings;
  private readonly queues: LedgerQueues;
  private readonly ledger: Required<LedgerOptions>;
  private session: Session | undefined;
  private warned = false;

  /** @throws ConfigurationError */
  constructor(url: string, settings: AmqpStoreSettings) {
    this.#settings = settings;
    this.endpoint = parseEndpoint(url, false, HEARTBEAT_SECONDS);
    this.display = this.endpoint.display;
    this.queues = ledgerQueues(settings.exchange);
    this.ledger = checkLedgerOptions(settings.ledger);
  }

  async connect(listener: StoreListener): Promise<void> {
    this.drop();
    const session: Session = { socket: new AbortController() };
    this.session = session;
    const lost = (error: Error): void => {
      if (this.session === session) listener.lost(ledgerLost(error, this.display));
    };
    try {
      session.model = await this.openModel(session, listener, lost);
      const queues = await declareLedgerQueues(session.model, this.queues);
      const limits = queues.type === 'quorum' ? this.limitsInQuorum(listener) : this.ledger;
      session.client = await this.openClient(session, listener, lost);
      session.keeper = await LedgerKeeper.open(session.model, queues, limits, { lost, warning: (message) => listener.warning(message) });
    } catch (error) {
      letGo(session);
      throw ledgerFailure(error, this.display);
    }
    // Dropped meanwhile: it must not live on unseen.
    if (this.session !== session) letGo(session);
  }

  /** The server's answer alone: who keeps the ledger may be busy taking over, and must not be hindered. */
  async ping(): Promise<void> {
    try {
      await this.client().ping();
    } catch (error) {
      throw ledgerFailure(error, this.display);
    }
  }

  drop(): void {
    const { session } = this;
    this.session = undefined;
    if (session !== undefined) letGo(session);
  }

  async close(): Promise<void> {
    const { session } = this;
    this.session = undefined;
    if (session === undefined) return;
    session.watches?.stop();
    session.client?.drop();
    try {
      // Channels first: amqplib's close overtakes what they have still to write.
      await session.keeper?.close();
      await session.model?.close();
    } catch {
      // It was gone already.
    } finally {
      letGo(session);
    }
  }

  async getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    const values: (Buffer | undefined)[] = [];
    while (values.length < keys.length) {
      const answer = await this.ask({ kind: 'get', keys: keys.slice(values.length) }, 'values');
      if (answer.values.length === 0) throw unexpected(this.display);
      values.push(...answer.values);
    }
    return values;
  }

  async set(key: string, value: Buffer, expiresInMs: number | undefined): Promise<void> {
    await this.ask({ kind: 'set', key, value, expiresInMs }, 'answer');
  }

  async setIfAbsent(key: string, value: Buffer, expiresInMs: number | undefined): Promise<Claim> {
    const { yes, value: present } = await this.ask({ kind: 'setIfAbsent', key, value, expiresInMs }, 'answer');
    return yes ? { taken: true } : { taken: false, value: present ?? Buffer.alloc(0) };
  }

  async replaceIfEqual(key: string, expected: Buffer, value: Buffer, expiresInMs: number | undefined): Promise<boolean> {
    if (expected.length > MAX_VALUE_BYTES) return false;
    return (await this.ask({ kind: 'replaceIfEqual', key, expected, value, expiresInMs }, 'answer')).yes;
  }

  async deleteIfEqual(key: string, value: Buffer): Promise<boolean> {
    if (value.length > MAX_VALUE_BYTES) return false;
    return (await this.ask({ kind: 'deleteIfEqual', key, value }, 'answer')).yes;
  }

  async delete(key: string): Promise<void> {
    await this.ask({ kind: 'delete', key }, 'answer');
  }

  async addMember(key: string, member: string, value: Buffer, expiresInMs: number | undefined): Promise<MemberCount> {
    const { count, added } = await this.ask({ kind: 'addMember', key, member, value, expiresInMs }, 'count');
    return { count, added };
  }

  async membersPage(key: string, position: number): Promise<MembersPage> {
    const { members, next } = await this.ask({ kind: 'members', key, position }, 'members');
    return next === undefined ? { members } : { members, next };
  }

  async subscribe(key: string): Promise<void> {
    await this.session?.watches?.subscribe(key);
  }

  unsubscribe(key: string): void {
    this.session?.watches?.unsubscribe(key);
  }

  private limitsInQuorum(listener: StoreListener): Required<LedgerOptions> {
    if (!this.warned) listener.warning(quorumLedgerWarning(this.queues.records));
    this.warned = true;
    return { ...this.ledger, maxEntries: Math.min(this.ledger.maxEntries, MOST_ENTRIES_IN_QUORUM) };
  }

  private openModel(session: Session, listener: StoreListener, lost: (error: Error) => void): Promise<ChannelModel> {
    const { connectTimeoutMs, tls } = this.#settings;
    return openConnection({ endpoint: this.endpoint, name: `dispatcher:${process.pid}:ledger`, connectTimeoutMs, tls: new Secret(tls) }, session.socket.signal, {
      lost,
      blocked: (reason) => listener.warning(`The broker at ${this.display} takes nothing for now: ${reason}. The ledger waits until it does.`),
      unblocked: () => undefined,
      warning: (message) => listener.warning(message),
    });
  }

  private async openClient(session: Session, listener: StoreListener, lost: (error: Error) => void): Promise<LedgerClient> {
    const answerLimitMs = this.#settings.operationTimeoutMs;
    const client = await LedgerClient.open(session.model as ChannelModel, { queues: this.queues, display: this.display, answerLimitMs }, {
      lost,
      told: (told) => session.watches?.told(told),
      answeredBy: (keeper) => session.watches?.answeredBy(keeper),
      warning: (message) => listener.warning(message),
    });
    session.watches = new LedgerWatches({
      ask: (operation) => client.request(operation),
      tell: (operation) => client.tell(operation),
      changed: (key, value) => listener.changed(key, value),
    });
    return client;
  }

  private async ask<K extends Answer['kind']>(operation: Operation, kind: K): Promise<Answer & { kind: K }> {
    const answer = await this.client().request(operation);
    if (answer.kind !== kind) throw unexpected(this.display);
    return answer as Answer & { kind: K };
  }

  private client(): LedgerClient {
    const client = this.session?.client;
    if (client !== undefined) return client;
    throw new ResultBackendUnavailableError(`Not connected to the ledger at ${this.display}.`);
  }
}

/** The socket last: whatever it still says finds nobody. */
function letGo({ socket, client, keeper, watches }: Session): void {
  watches?.stop();
  client?.drop();
  keeper?.drop();
  socket.abort();
}

const MAX_EXCHANGE_BYTES = 200;

function ledgerQueues(exchange: string | undefined): LedgerQueues {
  if (exchange !== undefined && exchange !== '' && Buffer.byteLength(exchange) <= MAX_EXCHANGE_BYTES) {
    return { records: ledgerRecordsOf(exchange), requests: ledgerRequestsOf(exchange), returns: returnsQueueOf(exchange) };
  }
  throw new ConfigurationError(
    `A result backend on RabbitMQ needs the dispatcher's exchange, up to ${MAX_EXCHANGE_BYTES} bytes of text, to name its queues after; found ${exchange === undefined ? 'none' : JSON.stringify(exchange.slice(0, 100))}. Write createResultBackend('amqp://host', { exchange: 'my-exchange' }).`,
    { option: 'exchange' });
}

const unexpected = (display: string): ResultBackendUnavailableError => new ResultBackendUnavailableError(`The ledger at ${display} gave an answer of the wrong kind.`);

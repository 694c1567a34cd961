import type { ConnectionOptions } from 'node:tls';
import type { RedisArgument } from '@redis/client';
import { DispatcherError, ResultBackendUnavailableError } from '../../errors.js';
import { MEMBERS_PAGE_BYTES, MEMBERS_PAGE_COUNT, type Claim, type Member, type MemberCount, type StateBackendCapabilities } from '../state-backend.js';
import type { MembersPage, ResultStore, StoreListener } from '../result-store.js';
import { redisFailure } from './redis-failure.js';
import { keysOf } from '../../redis/hash-tag.js';
import { loadRedisDriver } from '../../redis/load-driver.js';
import { answersAsBytes, callScript, destroyClient, type RedisClient } from '../../redis/make-client.js';
import { openRedis } from '../../redis/open-redis.js';
import { OperationLine } from './operation-line.js';
import { MEMBERS_PAGE, Operation, OPERATIONS } from './redis-scripts.js';
import type { RedisScript } from '../../redis/redis-script.js';
import type { RedisEndpoint } from '../../redis/redis-url.js';

/** Redis keeps 512 MiB; its default memory for one client's answers does not. */
const MAX_VALUE_BYTES = 256 * 1024 * 1024;

export interface RedisStoreOptions {
  readonly connectTimeoutMs: number;
  readonly tls?: ConnectionOptions | undefined;
  readonly exchange?: string | undefined;
  /** As in `ResultBackendOptions`. */
  readonly bare?: 'polled' | 'pushed' | undefined;
}

/** Results in Redis 6 or newer. */
export class RedisStore implements ResultStore {
  readonly display: string;
  readonly capabilities: StateBackendCapabilities;
  /** Knows the password, and so do its options. */
  #client: RedisClient | undefined;
  readonly #tls: ConnectionOptions | undefined;
  private readonly connectTimeoutMs: number;
  private readonly prefix: string;
  private readonly bare: RedisStoreOptions['bare'];
  private attempts = 0;
  private listener: StoreListener | undefined;
  /** Answers with bytes instead of text. */
  private asBytes = {};
  private readonly line = new OperationLine((packed) => callScript<unknown[]>(this.connected(), OPERATIONS, [this.prefix], [this.channelPrefix, packed, this.bare ?? ''], this.asBytes));

  /** @param exchange whose keys they are, where Redis is the broker too: then they are beside its own, on one node of a cluster */
  constructor(private readonly endpoint: RedisEndpoint, { connectTimeoutMs, tls, exchange, bare }: RedisStoreOptions) {
    this.connectTimeoutMs = connectTimeoutMs;
    this.bare = bare;
    this.capabilities = { readableByAnyProcess: true, pushes: bare !== 'polled', survivesRestart: true, mayEvict: true, maxValueBytes: MAX_VALUE_BYTES, expiresLateMs: 0 };
    this.prefix = exchange === undefined ? '' : `${keysOf(exchange)}state:`;
    this.#tls = tls;
    this.display = endpoint.display;
  }

  async connect(listener: StoreListener): Promise<void> {
    this.drop();
    const driver = await loadRedisDriver('A result backend of the form redis:');
    this.asBytes = answersAsBytes(driver);
    const attempt = ++this.attempts;
    this.listener = listener;
    let made: RedisClient | undefined;
    try {
      const client = await openRedis(driver, this.endpoint, {
        connectTimeoutMs: this.connectTimeoutMs, tls: this.#tls, keys: this.prefix === '' ? undefined : this.prefix, made: (one) => { this.#client = made = one; },
      });
      client.on('error', (error: unknown) => {
        if (this.#client === client) listener.lost(redisFailure(error, this.display));
      });
      await client.sendCommand(['PING']);
    } catch (error) {
      destroyClient(made);
      throw redisFailure(error, this.display);
    }
    // Dropped meanwhile: it must not live on unseen.
    if (this.attempts !== attempt) destroyClient(made);
  }

  async ping(): Promise<void> {
    await this.command(['PING']);
  }

  drop(): void {
    const client = this.#client;
    this.#client = undefined;
    this.attempts++;
    destroyClient(client);
    this.line.reject(this.notConnected());
  }

  async close(): Promise<void> {
    this.drop();
  }

  getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    const get = <T>(key: string, as: (value: Buffer | null) => T): Promise<T> => this.ask([Operation.get, this.prefix + key], as);
    const [first, ...others] = keys;
    if (first !== undefined && others.length === 0) return get(first, (value) => [value ?? undefined]);
    return Promise.all(keys.map((key) => get(key, (value) => value ?? undefined)));
  }

  set(key: string, value: Buffer, expiresInMs: number | undefined): Promise<void> {
    return this.ask([Operation.set, this.prefix + key, value, expiry(expiresInMs)], () => undefined);
  }

  setIfAbsent(key: string, value: Buffer, expiresInMs: number | undefined): Promise<Claim> {
    return this.ask([Operation.setIfAbsent, this.prefix + key, value, expiry(expiresInMs)], claimOf);
  }

  replaceIfEqual(key: string, expected: Buffer, value: Buffer, expiresInMs: number | undefined): Promise<boolean> {
    return this.ask([Operation.replaceIfEqual, this.prefix + key, value, expiry(expiresInMs), expected], isOne);
  }

  deleteIfEqual(key: string, value: Buffer): Promise<boolean> {
    return this.ask([Operation.deleteIfEqual, this.prefix + key, value], isOne);
  }

  async delete(key: string): Promise<void> {
    // Not DEL: freeing a large set would hold up everybody else.
    await this.command(['UNLINK', this.prefix + key, ...this.memberKeys(key)]);
  }

  addMember(key: string, member: string, value: Buffer, expiresInMs: number | undefined): Promise<MemberCount> {
    return this.ask([Operation.addMember, ...this.memberKeys(key), member, value, expiry(expiresInMs)], countOf);
  }

  async membersPage(key: string, position: number): Promise<MembersPage> {
    const page = await this.membersFrom(key, position);
    const members: Member[] = [];
    // Names and values by turns.
    let member: Buffer | undefined;
    for (const part of page) {
      if (member !== undefined) members.push({ member: member.toString(), value: part });
      member = member === undefined ? part : undefined;
    }
    return members.length === 0 ? { members } : { members, next: position + members.length };
  }

  async subscribe(key: string): Promise<void> {
    const { listener } = this;
    try {
      await this.connected().subscribe(this.channel(key), (message) => {
        if (this.bare !== undefined) listener?.changed(key, message);
        else if (message[0] === VALUE_FOLLOWS) listener?.changed(key, message.subarray(1));
        else listener?.changed(key);
      }, true);
    } catch (error) {
      throw this.failure(error);
    }
  }

  unsubscribe(key: string): void {
    // It fails only together with the connection, and then there is nothing to undo.
    this.#client?.unsubscribe(this.channel(key)).catch(() => undefined);
  }

  /** A step of its own, for what only other systems keep so. */
  async run<T>(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<T> {
    try {
      return await callScript<T>(this.connected(), script, keys, args, this.asBytes);
    } catch (error) {
      throw this.failure(error);
    }
  }

  /** One promise, not one for each step on the way: there are several operations for each task. */
  private ask<R, T>(args: readonly RedisArgument[], as: (reply: R) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.line.ask(args, (reply) => resolve(as(reply as R)), (error) => reject(this.failure(error)));
    });
  }

  private async membersFrom(key: string, position: number): Promise<Buffer[]> {
    try {
      return await callScript<Buffer[]>(this.connected(), MEMBERS_PAGE, this.memberKeys(key), [String(position), String(MEMBERS_PAGE_COUNT), String(MEMBERS_PAGE_BYTES)], this.asBytes);
    } catch (error) {
      throw this.failure(error);
    }
  }

  private async command<T>(args: RedisArgument[]): Promise<T> {
    try {
      return await this.connected().sendCommand<T>(args, this.asBytes);
    } catch (error) {
      throw this.failure(error);
    }
  }

  private failure(error: unknown): DispatcherError {
    return error instanceof DispatcherError ? error : redisFailure(error, this.display);
  }

  private connected(): RedisClient {
    if (this.#client !== undefined) return this.#client;
    throw this.notConnected();
  }

  private notConnected(): ResultBackendUnavailableError {
    return new ResultBackendUnavailableError(`Not connected to Redis at ${this.display}.`);
  }

  /** Channels are the same for all databases of a server; keys are not. */
  private get channelPrefix(): string {
    return `${this.endpoint.database}:`;
  }

  private channel(key: string): string {
    return this.bare === 'pushed' ? key : this.channelPrefix + this.prefix + key;
  }

  /** The mark is in no plain key, so that no value's key can be the same. */
  private memberKeys(key: string): [string, string] {
    return [`${this.prefix}${key}~m`, `${this.prefix}${key}~o`];
  }
}

const VALUE_FOLLOWS = '='.charCodeAt(0);

const isOne = (reply: number): boolean => reply === 1;
const claimOf = (present: Buffer | null): Claim => (present === null ? { taken: true } : { taken: false, value: present });
const countOf = ([count, added]: [number, number]): MemberCount => ({ count, added: added === 1 });
const expiry = (expiresInMs: number | undefined): string => (expiresInMs === undefined ? '' : String(expiresInMs));

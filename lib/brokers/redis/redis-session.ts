import type { ConnectionOptions } from 'node:tls';
import type { RedisArgument } from '@redis/client';
import { keysOf } from '../../redis/hash-tag.js';
import { loadRedisDriver } from '../../redis/load-driver.js';
import { answersAsBytes, callScript, connectLike, destroyClient, type RedisClient } from '../../redis/make-client.js';
import { openRedis } from '../../redis/open-redis.js';
import { classifyRedisFailure } from '../../redis/redis-failure.js';
import type { RedisEndpoint } from '../../redis/redis-url.js';
import type { Secret } from '../../urls/secret.js';
import type { ConnectionListener } from '../connection/link.js';
import { brokerFailure } from './broker-failure.js';
import type { BrokerScript } from './scripts/prelude.js';
import { checkServer, knowsScriptFlags, parseInfo } from './server-checks.js';

export interface SessionSettings {
  readonly endpoint: RedisEndpoint;
  readonly exchange: string;
  readonly name: string;
  readonly connectTimeoutMs: number;
  readonly tls: Secret<ConnectionOptions | undefined>;
  /**
   * What is told is heard on a second connection. Redis cuts off a connection that hears something once 32 MiB wait for it, which
   * a few large messages together are; of one that only asks it does not.
   */
  readonly hearsApart: boolean;
}

const AS_TEXT = { timeout: 0 };

/** One connection to Redis, or two that are one: from open to lost. */
export class RedisSession {
  /** Knows the password. */
  readonly #client: RedisClient;
  /** The same one, or another that hears what is told. */
  readonly #ear: RedisClient;
  readonly #asBytes: object;
  private readonly prefix: string;
  private lost = false;
  private alwaysRuns = false;
  /** What is done at once must be in one slot. */
  isCluster = false;

  private constructor(client: RedisClient, ear: RedisClient, asBytes: object, readonly settings: SessionSettings, private readonly listener: ConnectionListener) {
    this.#client = client;
    this.#ear = ear;
    this.#asBytes = asBytes;
    this.prefix = keysOf(settings.exchange);
  }

  /** One attempt. `signal` destroys it at any time. Rejects with the driver's errors, or with those of the checks. */
  static async open(settings: SessionSettings, signal: AbortSignal, listener: ConnectionListener): Promise<RedisSession> {
    const driver = await loadRedisDriver('A broker of the form redis:');
    const { endpoint, name, connectTimeoutMs, tls, hearsApart } = settings;
    let made: RedisClient | undefined;
    let ear: RedisClient | undefined;
    const destroy = (): void => {
      destroyClient(made);
      destroyClient(ear);
    };
    signal.addEventListener('abort', destroy, { once: true });
    try {
      const client = await openRedis(driver, endpoint, { connectTimeoutMs, tls: tls.reveal(), name, keys: keysOf(settings.exchange), made: (one) => {
        made = one;
        if (signal.aborted) throw new Error('it was given up');
      } });
      ear = hearsApart ? await connectLike(client) : client;
      const session = new RedisSession(client, ear, answersAsBytes(driver), settings, listener);
      for (const one of new Set([client, ear])) one.on('error', (error: Error) => session.fail(error));
      await session.check();
      return session;
    } catch (error) {
      // One of two may stand already.
      destroy();
      throw error;
    } finally {
      // Aborted while it connected: the driver knew nothing to destroy then.
      if (signal.aborted) destroy();
    }
  }

  get display(): string {
    return this.settings.endpoint.display;
  }

  /** Runs a script on the keys of the exchange. Texts come back as text. Rejects with errors of this library. */
  call<T>(script: BrokerScript, args: readonly RedisArgument[]): Promise<T> {
    return this.run<T>(script, args, AS_TEXT);
  }

  /** The same, where texts come back as bytes. */
  callForBytes<T>(script: BrokerScript, args: readonly RedisArgument[]): Promise<T> {
    return this.run<T>(script, args, this.#asBytes);
  }

  async publish(channel: string, message: Buffer | string): Promise<void> {
    await this.guard(this.#client.sendCommand(['PUBLISH', this.channel(channel), message], AS_TEXT));
  }

  /** `onMessage` must not throw. */
  async subscribe(channel: string, onMessage: (message: Buffer) => void): Promise<void> {
    await this.guard(this.#ear.subscribe(this.channel(channel), onMessage, true));
  }

  /** Resolves when what hears answers; who is told nothing would not notice that it hears nothing any more. */
  async hears(): Promise<void> {
    if (this.#ear !== this.#client) await this.guard(this.#ear.ping());
  }

  unsubscribe(channel: string): void {
    // It fails only together with the connection, and then there is nothing to undo.
    this.#ear.unsubscribe(this.channel(channel)).catch(() => undefined);
  }

  /** Ends the connection, and tells why. */
  fail(error: Error): void {
    if (this.lost) return;
    this.lost = true;
    this.listener.lost(error);
    this.destroy();
  }

  destroy(): void {
    this.lost = true;
    for (const one of [this.#client, this.#ear]) destroyClient(one);
  }

  async close(): Promise<void> {
    this.lost = true;
    await Promise.all([...new Set([this.#client, this.#ear])].map((one) => one.close()));
  }

  private async check(): Promise<void> {
    const info = parseInfo(await this.info());
    for (const warning of checkServer(info, this.display)) this.listener.warning(warning);
    this.alwaysRuns = knowsScriptFlags(info);
    this.isCluster = (info.get('redis_mode') ?? info.get('server_mode')) === 'cluster';
  }

  /** Empty where the user may not ask. */
  private async info(): Promise<string> {
    try {
      return await this.#client.sendCommand<string>(['INFO'], AS_TEXT);
    } catch (error) {
      if (/^NOPERM/.test((error as Error).message)) return '';
      throw error;
    }
  }

  private run<T>(script: BrokerScript, args: readonly RedisArgument[], options: object): Promise<T> {
    return this.guard(callScript<T>(this.#client, this.alwaysRuns ? script.always : script.plain, [this.prefix], [this.channel(''), ...args], options));
  }

  private async guard<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      const { kind } = classifyRedisFailure(error);
      // What it serves no more, another connection may lead to: after a failover this one is to a replica.
      if (kind === 'not-now' || kind === 'connection') this.fail(error as Error);
      throw brokerFailure(error, this.display);
    }
  }

  /** Channels are the same for all databases of a server; keys are not. */
  private channel(name: string): string {
    return `${this.settings.endpoint.database}:${this.prefix}${name}`;
  }
}

import { keysOf } from '../../../redis/hash-tag.js';
import { loadRedisDriver } from '../../../redis/load-driver.js';
import { destroyClient, type RedisClient } from '../../../redis/make-client.js';
import { openRedis } from '../../../redis/open-redis.js';
import type { RedisEndpoint } from '../../../redis/redis-url.js';
import type { Settings } from '../../settings/settings.js';

/** What a server that hangs is given for each answer. */
const ANSWER_MS = 5_000;

/** What INFO or CLUSTER INFO tells, by name. */
export type Facts = ReadonlyMap<string, string>;

/** An answer, or why there is none, in the server's own words. */
export type Answered<T> = { readonly value: T } | { readonly error: string };

/** A connection on which questions are put to Redis. A refusal is an answer as well. */
export class RedisProbe {
  private constructor(private readonly client: RedisClient, readonly endpoint: RedisEndpoint, readonly keys: string) {}

  /** @throws what kept it from connecting */
  static async open(endpoint: RedisEndpoint, { exchange, tlsConfig, connectSeconds }: Settings, signal: AbortSignal): Promise<RedisProbe> {
    const driver = await loadRedisDriver('A broker of the form redis:');
    let made: RedisClient | undefined;
    const destroy = (): void => destroyClient(made);
    signal.addEventListener('abort', destroy, { once: true });
    const keys = keysOf(exchange);
    const client = await openRedis(driver, endpoint, {
      connectTimeoutMs: connectSeconds * 1000, tls: tlsConfig.reveal(), name: `nestjs-dispatcher:doctor:${process.pid}`, keys, made: (one) => { made = one; },
    });
    return new RedisProbe(client, endpoint, keys);
  }

  async ask<T>(...command: string[]): Promise<Answered<T>> {
    try {
      return { value: await this.client.sendCommand<T>(command, { timeout: ANSWER_MS }) };
    } catch (error) {
      return { error: (error as Error).message };
    }
  }

  /** Empty where it may not be asked. */
  async facts(...command: string[]): Promise<Facts> {
    const answer = await this.ask<string>(...command);
    return 'error' in answer ? new Map() : factsIn(answer.value);
  }

  close(): void {
    destroyClient(this.client);
  }
}

export function factsIn(text: string): Facts {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(':') && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

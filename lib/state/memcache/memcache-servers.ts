import { createHash } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import type { MemcacheClient } from 'memcache-client';
import { clock } from '../../time/clock.js';
import { loadPeer } from '../load-peer.js';
import { memcacheFailure } from './memcache-failure.js';
import type { MemcacheServers } from './memcache-url.js';

/** The driver gives up on a connection by this; the supervisor does so sooner. */
const COMMAND_LIMIT_MS = 60_000;
/** Its timer outlives a connection that was dropped meanwhile, so it is short. */
const CONNECT_LIMIT_MS = 3_000;
/** Longer ones are taken for a point in time. */
const LONGEST_RELATIVE_SECONDS = 30 * 24 * 3600;
/** Before every value, so that none is empty: the driver's parser is not made for that. */
const MARK = Buffer.from('v');
const NO_MARK = Buffer.alloc(0);

interface Answer { value: Buffer; casUniq?: number | string }
export interface Versioned { readonly value: Buffer; readonly version: string }
export type StoreOutcome = 'stored' | 'exists' | 'not-found' | 'not-stored';

/**
 * One connection to each server; a key belongs to one of them for good. The driver's own way with
 * several servers is a choice among equals, which is not what keys need.
 */
export class MemcacheServersConnection {
  private constructor(private readonly clients: readonly { client: MemcacheClient; server: string }[], private readonly mark: Buffer) {}

  static async open(servers: MemcacheServers, tls: ConnectionOptions | undefined, isBare = false): Promise<MemcacheServersConnection> {
    const driver = await loadPeer('memcache-client', 'memcache:', () => import('memcache-client'));
    return new MemcacheServersConnection(servers.servers.map((server) => ({
      server,
      client: new driver.MemcacheClient({
        server: { server, maxConnections: 1 },
        noDelay: true, cmdTimeout: COMMAND_LIMIT_MS, connectTimeout: CONNECT_LIMIT_MS,
        ...(servers.tls ? { tls: tls ?? {} } : {}),
      }),
    })), isBare ? NO_MARK : MARK);
  }

  /** All servers answer; resolves to the largest item that all of them keep, in bytes. */
  async check(): Promise<number> {
    const sizes = await Promise.all(this.clients.map(async (one) => {
      const { STAT = [] } = await ask(one, () => one.client.cmd<{ STAT?: string[][] }>('stats settings'));
      return Number(STAT.find(([name]) => name === 'item_size_max')?.[1] ?? 1024 * 1024);
    }));
    return Math.min(...sizes);
  }

  async ping(): Promise<void> {
    await Promise.all(this.clients.map((one) => ask(one, () => one.client.version())));
  }

  /** In the order of the keys; they are looked at in this order. @param owner decides the server, for all of them */
  async getAll(keys: readonly string[], owner: string): Promise<(Buffer | undefined)[]> {
    const one = this.owner(owner);
    const found = await ask(one, () => one.client.get<Record<string, Answer>>([...keys]) as unknown as Promise<Record<string, Answer | undefined>>);
    return keys.map((key) => this.unmarked(found[key]?.value));
  }

  async get(key: string, owner = key): Promise<Buffer | undefined> {
    return (await this.getAll([key], owner))[0];
  }

  /** With the version that {@link compareAndSwap} needs. */
  async getVersioned(key: string): Promise<Versioned | undefined> {
    const one = this.owner(key);
    const found = await ask(one, () => one.client.gets([key]) as unknown as Promise<Record<string, Answer | undefined>>);
    const value = this.unmarked(found[key]?.value);
    return value === undefined ? undefined : { value, version: String(found[key]?.casUniq) };
  }

  set(key: string, value: Buffer, expiresInMs: number | undefined, owner = key): Promise<StoreOutcome> {
    const one = this.owner(owner);
    return outcome(ask(one, () => one.client.set(key, this.marked(value), { lifetime: lifetime(expiresInMs) })));
  }

  add(key: string, value: Buffer, expiresInMs: number | undefined, owner = key): Promise<StoreOutcome> {
    const one = this.owner(owner);
    return outcome(ask(one, () => one.client.add(key, this.marked(value), { lifetime: lifetime(expiresInMs) })));
  }

  compareAndSwap(key: string, value: Buffer, version: string, expiresInMs: number | undefined): Promise<StoreOutcome> {
    const one = this.owner(key);
    return outcome(ask(one, () => one.client.cas(key, this.marked(value), { lifetime: lifetime(expiresInMs), casUniq: version })));
  }

  /** What is swapped in is expired already: there is no conditional delete in the classic protocol. */
  compareAndDelete(key: string, version: string): Promise<StoreOutcome> {
    const one = this.owner(key);
    return outcome(ask(one, () => one.client.cas(key, MARK, { lifetime: -1, casUniq: version })));
  }

  delete(key: string): Promise<StoreOutcome> {
    const one = this.owner(key);
    return outcome(ask(one, () => one.client.delete(key)));
  }

  close(): void {
    for (const { client } of this.clients) client.shutdown();
  }

  private marked(value: Buffer): Buffer {
    return this.mark.length === 0 ? value : Buffer.concat([this.mark, value]);
  }

  /** What others have written comes as a text where they have not said that it is bytes. */
  private unmarked(stored: Buffer | string | undefined): Buffer | undefined {
    return typeof stored === 'string' ? Buffer.from(stored) : stored?.subarray(this.mark.length);
  }

  private owner(key: string): { client: MemcacheClient; server: string } {
    const { clients } = this;
    const index = clients.length === 1 ? 0 : createHash('md5').update(key).digest().readUInt32BE(0) % clients.length;
    return clients[index]!;
  }
}

const OUTCOMES: Readonly<Record<string, StoreOutcome>> = { NOT_STORED: 'not-stored', EXISTS: 'exists', NOT_FOUND: 'not-found' };

/** The driver rejects with what are plain answers. */
async function outcome(answer: Promise<unknown>): Promise<StoreOutcome> {
  try {
    await answer;
    return 'stored';
  } catch (error) {
    const found = OUTCOMES[((error as Error).cause as Error | undefined)?.message ?? ''];
    if (found === undefined) throw error;
    return found;
  }
}

async function ask<T>({ server }: { server: string }, command: () => Promise<T>): Promise<T> {
  try {
    return await command();
  } catch (error) {
    throw memcacheFailure(error, server);
  }
}

/**
 * memcached counts whole seconds by a clock that ticks once a second: one more than asked, so that
 * nothing is gone early.
 */
function lifetime(expiresInMs: number | undefined): number {
  if (expiresInMs === undefined) return 0;
  const seconds = Math.ceil(expiresInMs / 1000) + 1;
  return seconds <= LONGEST_RELATIVE_SECONDS ? seconds : Math.ceil((clock.now() + expiresInMs) / 1000) + 1;
}

import type { ConnectionOptions } from 'node:tls';
import { ResultBackendUnavailableError } from '../../errors.js';
import type { Claim, MemberCount, StateBackendCapabilities } from '../state-backend.js';
import { MAX_MEMBER_BYTES, MAX_STORED_KEY_BYTES, type MembersPage, type ResultStore, type StoreListener } from '../result-store.js';
import { MemcacheMembers } from './memcache-members.js';
import { MemcacheServersConnection } from './memcache-servers.js';
import type { MemcacheServers } from './memcache-url.js';

/** What an item needs beside the value: its head, its key, the name of a member. */
const ITEM_OVERHEAD_BYTES = 256 + MAX_STORED_KEY_BYTES + MAX_MEMBER_BYTES;
const DEFAULT_ITEM_BYTES = 1024 * 1024;
/** The second on top, and the tick of the server's clock. */
const EXPIRES_LATE_MS = 3_000;

/**
 * Results in memcached: a cache, so nothing survives its restart, and it evicts what it has no memory
 * for. It cannot push and keeps no list, set or script; see `memcache-members.ts` for what replaces them.
 */
export class MemcacheStore implements ResultStore {
  readonly display: string;
  readonly addsInTurn = true;
  private servers: MemcacheServersConnection | undefined;
  private maxItemBytes = DEFAULT_ITEM_BYTES;

  /** Its key may have a passphrase. */
  readonly #tls: ConnectionOptions | undefined;

  /** Values are there as they are given. */
  private readonly isBare: boolean;

  constructor(private readonly endpoint: MemcacheServers, { tls, isBare = false }: { connectTimeoutMs: number; tls?: ConnectionOptions | undefined; isBare?: boolean }) {
    this.isBare = isBare;
    this.#tls = tls;
    this.display = endpoint.display;
  }

  get capabilities(): StateBackendCapabilities {
    return {
      readableByAnyProcess: true, pushes: false, survivesRestart: false, mayEvict: true,
      maxValueBytes: this.maxItemBytes - ITEM_OVERHEAD_BYTES, expiresLateMs: EXPIRES_LATE_MS,
    };
  }

  async connect(_listener: StoreListener): Promise<void> {
    this.drop();
    const servers = await MemcacheServersConnection.open(this.endpoint, this.#tls, this.isBare);
    this.servers = servers;
    this.maxItemBytes = await servers.check();
    // Dropped meanwhile: it must not live on unseen.
    if (this.servers !== servers) servers.close();
  }

  async ping(): Promise<void> {
    await this.connected().ping();
  }

  drop(): void {
    const { servers } = this;
    this.servers = undefined;
    servers?.close();
  }

  async close(): Promise<void> {
    this.drop();
  }

  async getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    const servers = this.connected();
    // Keys of several servers: the driver sends them all at once, each server's answers come in a row.
    return this.endpoint.servers.length === 1 ? servers.getAll(keys, '') : Promise.all(keys.map((key) => servers.get(key)));
  }

  async set(key: string, value: Buffer, expiresInMs: number | undefined): Promise<void> {
    await this.connected().set(key, value, expiresInMs);
  }

  async setIfAbsent(key: string, value: Buffer, expiresInMs: number | undefined): Promise<Claim> {
    const servers = this.connected();
    for (;;) {
      if (await servers.add(key, value, expiresInMs) === 'stored') return { taken: true };
      const present = await servers.get(key);
      // Gone between the two: then it is free.
      if (present !== undefined) return { taken: false, value: present };
    }
  }

  replaceIfEqual(key: string, expected: Buffer, value: Buffer, expiresInMs: number | undefined): Promise<boolean> {
    return this.ifEqual(key, expected, (version) => this.connected().compareAndSwap(key, value, version, expiresInMs));
  }

  deleteIfEqual(key: string, value: Buffer): Promise<boolean> {
    return this.ifEqual(key, value, (version) => this.connected().compareAndDelete(key, version));
  }

  async delete(key: string): Promise<void> {
    const servers = this.connected();
    await servers.delete(key);
    await new MemcacheMembers(servers).delete(key);
  }

  addMember(key: string, member: string, value: Buffer, expiresInMs: number | undefined): Promise<MemberCount> {
    return new MemcacheMembers(this.connected()).add(key, member, value, expiresInMs);
  }

  membersPage(key: string, position: number): Promise<MembersPage> {
    return new MemcacheMembers(this.connected()).page(key, position);
  }

  private async ifEqual(key: string, expected: Buffer, swap: (version: string) => Promise<string>): Promise<boolean> {
    for (;;) {
      const found = await this.connected().getVersioned(key);
      if (found?.value.equals(expected) !== true) return false;
      const outcome = await swap(found.version);
      if (outcome === 'stored') return true;
      if (outcome === 'not-found') return false;
      // Written by somebody in between, with the same bytes perhaps: look again.
    }
  }

  private connected(): MemcacheServersConnection {
    if (this.servers !== undefined) return this.servers;
    throw new ResultBackendUnavailableError(`Not connected to memcached at ${this.display}.`);
  }
}

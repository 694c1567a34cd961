import type { ConnectionOptions } from 'node:tls';
import type { MongoClient, TopologyDescriptionChangedEvent } from 'mongodb';
import { DispatcherError, ResultBackendUnavailableError } from '../../errors.js';
import { clock, type ClockTimer } from '../../time/clock.js';
import { refuseStrayCredentials } from '../../urls/credentials.js';
import { loadPeer } from '../load-peer.js';
import type { Claim, MemberCount, StateBackendCapabilities } from '../state-backend.js';
import type { MembersPage, ResultStore, StoreListener } from '../result-store.js';
import { withAbsoluteFiles } from './absolute-files.js';
import { collectionsOf, ensureIndexes, expiryDate, type MongoCollections } from './mongo-collections.js';
import { isDuplicateKey, mongoFailure } from './mongo-failure.js';
import { MongoMembers } from './mongo-members.js';

/** A document has 16 MiB at most; a replacement carries two values. */
const MAX_VALUE_BYTES = 15 * 1024 * 1024;
const DEFAULT_DATABASE = 'dispatcher';
const SWEEP_EVERY_MS = 60_000;
/** Sets are removed so much later than they expire: somebody may be adding a last member just then. */
const SWEEP_GRACE_MS = 60_000;

/** Results in MongoDB 4.2 or newer, alone or as a replica set. Expiry goes by the clients' clocks. */
export class MongoStore implements ResultStore {
  readonly display: string;
  readonly capabilities: StateBackendCapabilities = {
    readableByAnyProcess: true, pushes: false, survivesRestart: true, mayEvict: false, maxValueBytes: MAX_VALUE_BYTES, expiresLateMs: 0,
  };
  /** It knows the password, and all that it makes knows it. */
  #client: MongoClient | undefined;
  #collections: MongoCollections | undefined;
  #members: MongoMembers | undefined;
  private sweeper: ClockTimer | undefined;
  readonly #url: string;
  readonly #tls: ConnectionOptions | undefined;
  private readonly connectTimeoutMs: number;

  constructor(url: string, { connectTimeoutMs, tls }: { connectTimeoutMs: number; tls?: ConnectionOptions }) {
    refuseStrayCredentials(url, 'The mongodb: URL of the result backend');
    this.#url = withAbsoluteFiles(url);
    this.#tls = tls;
    this.connectTimeoutMs = connectTimeoutMs;
    this.display = url.replace(/\?.*$/s, '').replace(/\/\/[^/]*@/, '//');
  }

  async connect(listener: StoreListener): Promise<void> {
    this.drop();
    const driver = await loadPeer('mongodb', 'mongodb:', () => import('mongodb'));
    const client = this.makeClient(driver);
    this.#client = client;
    client.on('topologyDescriptionChanged', (event) => {
      if (this.#client === client && nobodyLeft(event)) listener.lost(new ResultBackendUnavailableError(`No MongoDB of ${this.display} answers any more.`));
    });
    try {
      await client.connect();
      const db = client.db(databaseOf(this.#url));
      await db.command({ ping: 1 });
      const collections = collectionsOf(db);
      await ensureIndexes(collections);
      if (this.#client === client) this.begin(collections, listener);
    } catch (error) {
      throw mongoFailure(error, this.display);
    } finally {
      // Dropped meanwhile: it must not live on unseen.
      if (this.#client !== client) void client.close(true).catch(() => undefined);
    }
  }

  async ping(): Promise<void> {
    await this.ask(() => this.opened().values.findOne({ _id: 'ping' }));
  }

  drop(): void {
    void this.close();
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = this.#collections = this.#members = undefined;
    clock.clear(this.sweeper);
    await client?.close(true).catch(() => undefined);
  }

  async getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    const found = await this.ask(() => this.opened().values.find({ _id: { $in: [...keys] }, expiresAt: { $gt: clock.date() } }).toArray());
    const byKey = new Map(found.map(({ _id, value }) => [_id, value]));
    return keys.map((key) => byKey.get(key));
  }

  set(key: string, value: Buffer, expiresInMs: number | undefined): Promise<void> {
    return this.ask(async () => {
      const change = { $set: { value, expiresAt: expiryDate(expiresInMs) } };
      try {
        await this.opened().values.updateOne({ _id: key }, change, { upsert: true });
      } catch (error) {
        // Two first writers at the same time: now it is there.
        if (!isDuplicateKey(error)) throw error;
        await this.opened().values.updateOne({ _id: key }, change, { upsert: true });
      }
    });
  }

  setIfAbsent(key: string, value: Buffer, expiresInMs: number | undefined): Promise<Claim> {
    return this.ask(async () => {
      for (;;) {
        if (await this.take(key, value, expiresInMs)) return { taken: true };
        const present = await this.opened().values.findOne({ _id: key, expiresAt: { $gt: clock.date() } });
        // Gone between the two: then it is free.
        if (present !== null) return { taken: false, value: present.value };
      }
    });
  }

  async replaceIfEqual(key: string, expected: Buffer, value: Buffer, expiresInMs: number | undefined): Promise<boolean> {
    const result = await this.ask(() => this.opened().values.updateOne(
      { _id: key, value: expected, expiresAt: { $gt: clock.date() } }, { $set: { value, expiresAt: expiryDate(expiresInMs) } }));
    return result.matchedCount === 1;
  }

  async deleteIfEqual(key: string, value: Buffer): Promise<boolean> {
    const result = await this.ask(() => this.opened().values.deleteOne({ _id: key, value, expiresAt: { $gt: clock.date() } }));
    return result.deletedCount === 1;
  }

  delete(key: string): Promise<void> {
    return this.ask(async () => {
      await this.opened().values.deleteOne({ _id: key });
      await this.sets().delete(key);
    });
  }

  addMember(key: string, member: string, value: Buffer, expiresInMs: number | undefined): Promise<MemberCount> {
    return this.ask(() => this.sets().add(key, member, value, expiresInMs));
  }

  membersPage(key: string, position: number): Promise<MembersPage> {
    return this.ask(() => this.sets().page(key, position));
  }

  /** Removes now what {@link connect} has removed every minute. */
  async sweep(before = new Date(clock.now() - SWEEP_GRACE_MS)): Promise<void> {
    await this.opened().values.deleteMany({ expiresAt: { $lte: before } });
    await this.sets().sweep(before);
  }

  /** What nobody has, or what has expired, becomes ours; a live value makes the insert fail. */
  private async take(key: string, value: Buffer, expiresInMs: number | undefined): Promise<boolean> {
    try {
      await this.opened().values.updateOne(
        { _id: key, expiresAt: { $lte: clock.date() } }, { $set: { value, expiresAt: expiryDate(expiresInMs) } }, { upsert: true });
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  private makeClient(driver: typeof import('mongodb')): MongoClient {
    try {
      return new driver.MongoClient(this.#url, {
        appName: 'nestjs-dispatcher', promoteBuffers: true,
        connectTimeoutMS: this.connectTimeoutMs, serverSelectionTimeoutMS: this.connectTimeoutMs,
        // A loss is to be seen within a second or two, not ten.
        heartbeatFrequencyMS: 2_000,
        ...this.#tls,
      });
    } catch (error) {
      throw mongoFailure(error, this.display);
    }
  }

  private begin(collections: MongoCollections, listener: StoreListener): void {
    this.#collections = collections;
    this.#members = new MongoMembers(collections);
    this.sweeper = clock.setInterval(() => {
      this.sweep().catch((error: unknown) => listener.warning(`Removing expired results from MongoDB failed: ${(error as Error).message}. It is tried again.`));
    }, SWEEP_EVERY_MS).unref();
  }

  private async ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof DispatcherError ? error : mongoFailure(error, this.display);
    }
  }

  private opened(): MongoCollections {
    if (this.#collections !== undefined) return this.#collections;
    throw this.notConnected();
  }

  private sets(): MongoMembers {
    if (this.#members !== undefined) return this.#members;
    throw this.notConnected();
  }

  private notConnected(): ResultBackendUnavailableError {
    return new ResultBackendUnavailableError(`Not connected to MongoDB at ${this.display}.`);
  }
}

function nobodyLeft({ previousDescription, newDescription }: TopologyDescriptionChangedEvent): boolean {
  const known = (servers: TopologyDescriptionChangedEvent['newDescription']['servers']): number => [...servers.values()].filter(({ type }) => type !== 'Unknown').length;
  return known(previousDescription.servers) > 0 && known(newDescription.servers) === 0;
}

/** The path of the URL; hosts may be a list, which `URL` does not take. */
function databaseOf(url: string): string {
  const name = /^[^/]*\/\/[^/]+\/([^?/]+)/.exec(url)?.[1];
  return name === undefined ? DEFAULT_DATABASE : decodeURIComponent(name);
}

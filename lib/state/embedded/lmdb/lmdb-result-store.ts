import { resolve } from 'node:path';
import { ResultBackendUnavailableError } from '../../../errors.js';
import { clock } from '../../../time/clock.js';
import { MEMBERS_PAGE_BYTES, MEMBERS_PAGE_COUNT, type Claim, type Member, type MemberCount, type StateBackendCapabilities } from '../../state-backend.js';
import type { MembersPage, ResultStore, StoreListener } from '../../result-store.js';
import { memberKey, positionOf, readMember, readSet, textKey } from './records.js';
import type { ResultTables } from './result-tables.js';
import type { ResultTransaction } from './result-transaction.js';
import { joinFolder, type FolderUser, type SharedFolder } from './shared-folder.js';

/** Far below what LMDB can do; a record is built in memory. */
const MAX_VALUE_BYTES = 256 * 1024 * 1024;

/** Results in a folder, on disk when an operation resolves, for all processes of this machine. */
export class LmdbResultStore implements ResultStore {
  readonly display: string;
  readonly capabilities: StateBackendCapabilities = {
    readableByAnyProcess: true, pushes: true, survivesRestart: true, mayEvict: false, maxValueBytes: MAX_VALUE_BYTES, expiresLateMs: 0,
  };
  private readonly subscribed = new Set<string>();
  private readonly location: string;
  private joined: { shared: SharedFolder; user: FolderUser } | undefined;
  private wasThere = false;

  /** A relative folder is one of the working folder of now, whatever that is later. */
  constructor(location: string) {
    this.location = resolve(location);
    this.display = `embedded:${location}`;
  }

  async connect(listener: StoreListener): Promise<void> {
    this.drop();
    const user: FolderUser = {
      changed: (key) => {
        for (const each of key === undefined ? this.subscribed : [key]) if (this.subscribed.has(each)) listener.changed(each);
      },
      blocked: (error) => listener.blocked(error),
      lost: (error) => listener.lost(error),
      warning: (message) => listener.warning(message),
    };
    const shared = await joinFolder(this.location, user, this.wasThere);
    this.joined = { shared, user };
    this.wasThere = true;
  }

  async ping(): Promise<void> {
    this.shared().read((transaction) => transaction.value('ping'));
  }

  drop(): void {
    void this.close();
  }

  async close(): Promise<void> {
    const { joined } = this;
    this.joined = undefined;
    await joined?.shared.leave(joined.user);
  }

  async getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    return this.shared().read((transaction) => keys.map((key) => transaction.value(key)));
  }

  set(key: string, value: Buffer, expiresInMs: number | undefined): Promise<void> {
    return this.write((transaction) => transaction.set(key, value, expiresInMs));
  }

  setIfAbsent(key: string, value: Buffer, expiresInMs: number | undefined): Promise<Claim> {
    return this.write((transaction) => transaction.setIfAbsent(key, value, expiresInMs));
  }

  replaceIfEqual(key: string, expected: Buffer, value: Buffer, expiresInMs: number | undefined): Promise<boolean> {
    return this.write((transaction) => transaction.replaceIfEqual(key, expected, value, expiresInMs));
  }

  deleteIfEqual(key: string, value: Buffer): Promise<boolean> {
    return this.write((transaction) => transaction.deleteIfEqual(key, value));
  }

  async delete(key: string): Promise<void> {
    await this.write((transaction) => transaction.delete(key));
    void this.joined?.shared.sweep();
  }

  addMember(key: string, member: string, value: Buffer, expiresInMs: number | undefined): Promise<MemberCount> {
    return this.write((transaction) => transaction.addMember(key, member, value, expiresInMs));
  }

  async membersPage(key: string, position: number): Promise<MembersPage> {
    return this.shared().read((_, tables) => readPage(tables, key, position));
  }

  async subscribe(key: string): Promise<void> {
    this.subscribed.add(key);
  }

  unsubscribe(key: string): void {
    this.subscribed.delete(key);
  }

  private async write<T>(work: (transaction: ResultTransaction) => T): Promise<T> {
    return this.shared().write(work);
  }

  private shared(): SharedFolder {
    if (this.joined !== undefined) return this.joined.shared;
    throw new ResultBackendUnavailableError(`The folder of ${this.display} is not open. Call connect() first.`);
  }
}

function readPage(tables: ResultTables, key: string, position: number): MembersPage {
  const record = tables.sets.getBinary(textKey(key));
  if (record === undefined) return { members: [] };
  const { set, count, expiresAt } = readSet(record);
  if (expiresAt <= clock.now()) return { members: [] };
  const members: Member[] = [];
  let bytes = 0;
  for (const entry of tables.members.getRange({ start: memberKey(set, position), end: memberKey(set, count) })) {
    const member = readMember(entry.value);
    members.push(member);
    bytes += member.value.length;
    if (members.length >= MEMBERS_PAGE_COUNT || bytes >= MEMBERS_PAGE_BYTES) return { members, next: positionOf(entry.key) + 1 };
  }
  return { members };
}

import { ResultBackendUnavailableError } from '../../errors.js';
import { MEMBERS_PAGE_BYTES, MEMBERS_PAGE_COUNT, type Claim, type Member, type MemberCount, type StateBackendCapabilities } from '../state-backend.js';
import type { MembersPage, ResultStore, StoreListener } from '../result-store.js';
import { MemoryData, type ChangeListener } from './memory-data.js';

/** All entries together may take so much memory. */
const DEFAULT_MAX_BYTES = 512 * 1024 * 1024;

const shared = new Map<string, { data: MemoryData; users: number }>();

/** Results in the memory of this process: of one backend, or of all that have the same name. */
export class MemoryStore implements ResultStore {
  readonly capabilities: StateBackendCapabilities;
  readonly display: string;
  private data: MemoryData | undefined;
  private listener: ChangeListener | undefined;
  private readonly subscribed = new Set<string>();

  constructor(private readonly name?: string, private readonly maxBytes = DEFAULT_MAX_BYTES) {
    this.display = name === undefined ? 'embedded:' : `embedded:#${name}`;
    this.capabilities = {
      readableByAnyProcess: false, pushes: true, survivesRestart: false, mayEvict: false, maxValueBytes: maxBytes, expiresLateMs: 0,
    };
  }

  async connect(listener: StoreListener): Promise<void> {
    this.data ??= this.open();
    if (this.listener !== undefined) this.data.listeners.delete(this.listener);
    this.listener = (key, value) => {
      if (this.subscribed.has(key)) listener.changed(key, Buffer.from(value));
    };
    this.data.listeners.add(this.listener);
  }

  async ping(): Promise<void> {
    this.opened();
  }

  drop(): void {
    const { data } = this;
    if (data === undefined) return;
    this.data = undefined;
    if (this.listener !== undefined) data.listeners.delete(this.listener);
    const entry = this.name === undefined ? undefined : shared.get(this.name);
    if (entry === undefined) return data.stop();
    if (--entry.users > 0) return;
    shared.delete(this.name as string);
    data.stop();
  }

  async close(): Promise<void> {
    this.drop();
  }

  async getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    return keys.map((key) => this.read(key));
  }

  async set(key: string, value: Buffer, expiresInMs: number | undefined): Promise<void> {
    this.opened().putValue(valueName(key), value, expiresInMs);
    this.tell(key);
  }

  async setIfAbsent(key: string, value: Buffer, expiresInMs: number | undefined): Promise<Claim> {
    const present = this.read(key);
    if (present !== undefined) return { taken: false, value: present };
    await this.set(key, value, expiresInMs);
    return { taken: true };
  }

  async replaceIfEqual(key: string, expected: Buffer, value: Buffer, expiresInMs: number | undefined): Promise<boolean> {
    if (!this.holds(key, expected)) return false;
    await this.set(key, value, expiresInMs);
    return true;
  }

  async deleteIfEqual(key: string, value: Buffer): Promise<boolean> {
    if (!this.holds(key, value)) return false;
    this.opened().remove(valueName(key));
    return true;
  }

  async delete(key: string): Promise<void> {
    this.opened().remove(valueName(key));
    this.opened().remove(membersName(key));
  }

  async addMember(key: string, member: string, value: Buffer, expiresInMs: number | undefined): Promise<MemberCount> {
    return this.opened().addMember(membersName(key), member, value, expiresInMs);
  }

  async membersPage(key: string, position: number): Promise<MembersPage> {
    const set = this.opened().find(membersName(key));
    const page: Member[] = [];
    let bytes = 0;
    for (let at = position; at < (set?.order?.length ?? 0); at++) {
      const member = set?.order?.[at] as string;
      const value = Buffer.from(set?.members?.get(member) as Buffer);
      page.push({ member, value });
      bytes += value.length;
      if (page.length >= MEMBERS_PAGE_COUNT || bytes >= MEMBERS_PAGE_BYTES) return { members: page, next: at + 1 };
    }
    return { members: page };
  }

  async subscribe(key: string): Promise<void> {
    this.subscribed.add(key);
  }

  unsubscribe(key: string): void {
    this.subscribed.delete(key);
  }

  private open(): MemoryData {
    if (this.name === undefined) return new MemoryData(this.maxBytes);
    let entry = shared.get(this.name);
    if (entry === undefined) shared.set(this.name, (entry = { data: new MemoryData(this.maxBytes), users: 0 }));
    entry.users++;
    return entry.data;
  }

  private opened(): MemoryData {
    if (this.data !== undefined) return this.data;
    throw new ResultBackendUnavailableError('The results in memory are not open. Call connect() first.');
  }

  private read(key: string): Buffer | undefined {
    const value = this.opened().find(valueName(key))?.value;
    return value === undefined ? undefined : Buffer.from(value);
  }

  private holds(key: string, expected: Buffer): boolean {
    return this.opened().find(valueName(key))?.value?.equals(expected) === true;
  }

  private tell(key: string): void {
    const value = this.opened().find(valueName(key))?.value;
    if (value !== undefined) this.opened().changed(key, value);
  }
}

/** A value and a set of the same key are two things. */
const valueName = (key: string): string => `v${key}`;
const membersName = (key: string): string => `m${key}`;

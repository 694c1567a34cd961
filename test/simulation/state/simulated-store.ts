import { ResultBackendUnavailableError } from '../../../lib/errors.js';
import type { MembersPage, ResultStore, StoreListener } from '../../../lib/state/result-store.js';
import type { Claim, MemberCount } from '../../../lib/state/state-backend.js';
import { Link } from '../link.js';
import type { World } from '../world.js';
import type { StateServer } from './state-server.js';

/** A process' connection to the store, which may be lost with what is on its way. */
export class SimulatedStore implements ResultStore {
  readonly display = 'simulated:';
  readonly capabilities = { readableByAnyProcess: true, pushes: true, survivesRestart: true, mayEvict: false, maxValueBytes: 2 ** 24, expiresLateMs: 0 };
  private link: Link | undefined;
  private readonly subscribed = new Set<string>();
  private readonly asked = new Set<(error: Error) => void>();
  private listening: ((key: string, value: Buffer) => void) | undefined;
  private onLost: (error: ResultBackendUnavailableError) => void = () => undefined;

  constructor(private readonly world: World, private readonly owner: number, private readonly server: StateServer) {}

  connect(listener: StoreListener): Promise<void> {
    this.drop();
    const link = new Link(this.world, this.owner, 'state');
    return new Promise((resolve, reject) => link.send('open', () => {
      const { isDown } = this.server;
      link.answer(isDown ? 'refused' : 'opened', () => {
        if (isDown) return reject(gone());
        this.link = link;
        this.onLost = (error) => listener.lost(error);
        this.listening = (key, value) => {
          if (this.subscribed.has(key)) link.answer(`changed ${key}`, () => listener.changed(key, Buffer.from(value)));
        };
        this.server.listeners.add(this.listening);
        return resolve();
      });
    }));
  }

  async ping(): Promise<void> {
    await this.ask('ping', () => undefined);
  }

  drop(): void {
    const { link } = this;
    if (this.listening !== undefined) this.server.listeners.delete(this.listening);
    this.listening = undefined;
    this.link = undefined;
    link?.die(() => undefined);
    this.failAll();
  }

  async close(): Promise<void> {
    this.drop();
  }

  getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    return this.ask(`get ${keys.join(' ')}`, () => keys.map((key) => copyOf(this.server.get(key))));
  }

  set(key: string, value: Buffer, expiresInMs: number | undefined): Promise<void> {
    return this.ask(`set ${key}`, () => this.server.set(key, value, expiresInMs));
  }

  setIfAbsent(key: string, value: Buffer, expiresInMs: number | undefined): Promise<Claim> {
    return this.ask(`claim ${key}`, () => {
      const present = this.server.setIfAbsent(key, value, expiresInMs);
      return present === undefined ? { taken: true } as const : { taken: false, value: Buffer.from(present) } as const;
    });
  }

  replaceIfEqual(key: string, expected: Buffer, value: Buffer, expiresInMs: number | undefined): Promise<boolean> {
    return this.ask(`replace ${key}`, () => this.server.replaceIfEqual(key, expected, value, expiresInMs));
  }

  deleteIfEqual(key: string, value: Buffer): Promise<boolean> {
    return this.ask(`free ${key}`, () => this.server.deleteIfEqual(key, value));
  }

  delete(key: string): Promise<void> {
    return this.ask(`delete ${key}`, () => this.server.delete(key));
  }

  addMember(key: string, member: string, value: Buffer, expiresInMs: number | undefined): Promise<MemberCount> {
    return this.ask(`add ${key} ${member}`, () => this.server.addMember(key, member, value, expiresInMs));
  }

  membersPage(key: string): Promise<MembersPage> {
    return this.ask(`members ${key}`, () => ({ members: this.server.members(key) }));
  }

  async subscribe(key: string): Promise<void> {
    await this.ask(`watch ${key}`, () => this.subscribed.add(key));
  }

  unsubscribe(key: string): void {
    this.subscribed.delete(key);
  }

  /** The connection is lost. */
  cut(): void {
    const { link } = this;
    link?.cut(() => undefined, () => {
      if (this.link !== link) return;
      this.link = undefined;
      this.failAll();
      this.onLost(gone());
    });
  }

  /** Its process is dead. */
  die(): void {
    if (this.listening !== undefined) this.server.listeners.delete(this.listening);
    this.link?.die(() => undefined);
  }

  private failAll(): void {
    for (const fail of [...this.asked]) fail(gone());
  }

  private ask<T>(what: string, work: () => T): Promise<T> {
    const { link } = this;
    if (link === undefined) return Promise.reject(gone());
    return new Promise((resolve, reject) => {
      this.asked.add(reject);
      link.send(what, () => {
        const answer = work();
        link.answer(`answer ${what}`, () => {
          this.asked.delete(reject);
          resolve(answer);
        });
      });
    });
  }
}

function copyOf(value: Buffer | undefined): Buffer | undefined {
  return value === undefined ? undefined : Buffer.from(value);
}

function gone(): ResultBackendUnavailableError {
  return new ResultBackendUnavailableError('The connection to the simulated store was lost.');
}

import type { Observable } from 'rxjs';
import { DispatcherError, ResultBackendError, ResultBackendTimeoutError, ResultBackendUnavailableError, ResultTooLargeError } from '../../errors.js';
import type {
  Claim, ExpiryOptions, Member, MemberCount, StateBackend, StateBackendCapabilities, StateBackendEvent, StateBackendState, StopWatching,
} from '../state-backend.js';
import { clock } from '../../time/clock.js';
import { DEFAULT_RESULT_BACKEND_OPTIONS, type CompleteResultBackendOptions, type ResultBackendOptions } from '../result-backend-options.js';
import type { ResultStore } from '../result-store.js';
import { Admission } from './admission.js';
import { Deadlines } from './deadlines.js';
import { StatusLine } from './status-line.js';
import { StoreLink, type LinkOwner } from './store-link.js';
import { bareKey, checkKeyPrefix, checkMember, storedExpiry, storedKey } from './stored-key.js';
import { atMost } from './time-limit.js';
import { Turns } from './turns.js';
import { Watches, type WatchedStore } from './watches.js';

/** Any store as a result backend: reconnecting, bounded, limited in time, watched. */
export class SupervisedResultBackend implements StateBackend, LinkOwner, WatchedStore {
  readonly states: Observable<StateBackendState>;
  readonly events: Observable<StateBackendEvent>;
  private readonly options: CompleteResultBackendOptions;
  private readonly isBare: boolean;
  private readonly line = new StatusLine();
  private readonly link: StoreLink;
  private readonly admission: Admission;
  private readonly watches: Watches;
  private readonly turns = new Turns();
  private readonly deadlines: Deadlines;
  private closing: Promise<void> | undefined;

  constructor(private readonly store: ResultStore, options: ResultBackendOptions = {}) {
    this.options = withDefaults(options);
    this.isBare = options.bare !== undefined;
    checkKeyPrefix(this.options.keyPrefix);
    this.link = new StoreLink(store, this.options, this.line, this);
    this.admission = new Admission(this.options, store.display);
    this.deadlines = new Deadlines(this.options.operationTimeoutMs);
    this.watches = new Watches(this, this.options.pollMinMs, this.options.pollMaxMs);
    this.states = this.line.states;
    this.events = this.line.events;
  }

  get capabilities(): StateBackendCapabilities {
    return this.store.capabilities;
  }

  get state(): StateBackendState {
    return this.line.state;
  }

  connect(): Promise<void> {
    return this.link.connect();
  }

  async set(key: string, value: Buffer, options: ExpiryOptions): Promise<void> {
    const [name, expiry] = this.entry(key, value, options);
    return this.operate('set', value.length, () => this.store.set(name, value, expiry));
  }

  async get(key: string): Promise<Buffer | undefined> {
    const name = this.name(key);
    const [value] = await this.operate('get', 0, () => this.store.getMany([name]));
    return value;
  }

  async setIfAbsent(key: string, value: Buffer, options: ExpiryOptions): Promise<Claim> {
    const [name, expiry] = this.entry(key, value, options);
    return this.operate('setIfAbsent', value.length, () => this.store.setIfAbsent(name, value, expiry));
  }

  async replaceIfEqual(key: string, expected: Buffer, value: Buffer, options: ExpiryOptions): Promise<boolean> {
    const [name, expiry] = this.entry(key, value, options);
    return this.operate('replaceIfEqual', value.length + expected.length, () => this.store.replaceIfEqual(name, expected, value, expiry));
  }

  async deleteIfEqual(key: string, value: Buffer): Promise<boolean> {
    const name = this.name(key);
    return this.operate('deleteIfEqual', value.length, () => this.store.deleteIfEqual(name, value));
  }

  async delete(key: string): Promise<void> {
    const name = this.name(key);
    return this.operate('delete', 0, () => this.store.delete(name));
  }

  async addMember(key: string, member: string, value: Buffer, options: ExpiryOptions): Promise<MemberCount> {
    checkMember(member);
    const [name, expiry] = this.entry(key, value, options);
    const add = (): Promise<MemberCount> => this.store.addMember(name, member, value, expiry);
    return this.operate('addMember', value.length, this.store.addsInTurn === true ? () => this.turns.run(name, add) : add);
  }

  async *members(key: string): AsyncGenerator<readonly Member[]> {
    const name = this.name(key);
    let position: number | undefined = 0;
    while (position !== undefined) {
      const from: number = position;
      const page = await this.operate('members', 0, () => this.store.membersPage(name, from));
      if (page.members.length > 0) yield page.members;
      position = page.next;
    }
  }

  watch(key: string, onValue: (value: Buffer) => void): StopWatching {
    return this.watches.watch(key, this.name(key), onValue);
  }

  close(deadlineMs: number): Promise<void> {
    return (this.closing ??= this.shutDown(deadlineMs));
  }

  /** Part of {@link LinkOwner}. */
  connected(): void {
    this.watches.connected();
  }

  /** Part of {@link LinkOwner}. */
  changed(storedKey: string, value?: Buffer): void {
    this.watches.changed(storedKey, value);
  }

  /** Part of {@link WatchedStore}. */
  get isReady(): boolean {
    return this.link.isReady;
  }

  /** Part of {@link WatchedStore}. */
  get pushes(): boolean {
    return this.store.capabilities.pushes;
  }

  /** Part of {@link WatchedStore}. */
  read(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    return this.operate('watch', 0, () => this.store.getMany(keys));
  }

  /** Part of {@link WatchedStore}. */
  subscribe(key: string): Promise<void> {
    return this.operate('watch', 0, async () => this.store.subscribe?.(key));
  }

  /** Part of {@link WatchedStore}. */
  unsubscribe(key: string): void {
    if (this.link.isReady) this.store.unsubscribe?.(key);
  }

  /** Part of {@link WatchedStore}. */
  callbackFailed(key: string, error: unknown): void {
    this.line.emit({ type: 'results.callback-failed', key, error });
  }

  /** Something that the port does not have, within the same limits. */
  perform<T>(operation: string, bytes: number, work: () => Promise<T>): Promise<T> {
    return this.operate(operation, bytes, work);
  }

  private name(key: string): string {
    return this.isBare ? bareKey(key) : storedKey(this.options.keyPrefix, key);
  }

  private entry(key: string, value: Buffer, options: ExpiryOptions): [string, number | undefined] {
    const { maxValueBytes } = this.store.capabilities;
    if (value.length > maxValueBytes) {
      throw new ResultTooLargeError(
        `A value of ${value.length} bytes is too large for the result backend at ${this.store.display}, which keeps up to ${maxValueBytes}. Store it elsewhere and keep its key, or choose another backend.`,
        { bytes: value.length, maxBytes: maxValueBytes });
    }
    return [this.name(key), storedExpiry(options.expiresInMs)];
  }

  /** Few promises and no timer of its own: where tasks are many, this is most of what a task costs. */
  private operate<T>(name: string, bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.closing !== undefined) return Promise.reject(this.link.closedError());
    try {
      this.admission.enter(bytes);
    } catch (error) {
      return Promise.reject(asError(error));
    }
    const { operationTimeoutMs } = this.options;
    if (this.link.isReady) return this.ask(name, bytes, operationTimeoutMs, work);
    const started = clock.elapsed();
    return this.link.whenReady(operationTimeoutMs).then(
      () => this.ask(name, bytes, operationTimeoutMs - (clock.elapsed() - started), work),
      (error: Error) => {
        this.admission.leave(bytes);
        throw error;
      });
  }

  private ask<T>(name: string, bytes: number, limitMs: number, work: () => Promise<T>): Promise<T> {
    const { connection } = this.link;
    return new Promise((resolve, reject) => {
      const deadline = this.deadlines.begin(limitMs, () => {
        this.admission.leave(bytes);
        reject(this.timedOut(name));
      });
      const isInTime = (): boolean => {
        if (!this.deadlines.end(deadline)) return false;
        this.admission.leave(bytes);
        return true;
      };
      begun(work).then(
        (value) => { if (isInTime()) resolve(value); },
        (error: unknown) => { if (isInTime()) reject(this.failed(name, connection, error)); });
    });
  }

  private failed(name: string, connection: number, error: unknown): DispatcherError {
    if (error instanceof ResultBackendUnavailableError) this.link.lost(connection, error);
    if (error instanceof DispatcherError) return error;
    return new ResultBackendError(`The result backend at ${this.store.display} failed at "${name}": ${(error as Error)?.message ?? String(error)}.`, { operation: name }, error);
  }

  private timedOut(name: string): ResultBackendTimeoutError {
    this.link.suspect();
    return new ResultBackendTimeoutError(
      `The result backend at ${this.store.display} did not answer "${name}" within ${this.options.operationTimeoutMs} ms. It may have happened all the same; doing it again does no harm.`,
      { operation: name, limitMs: this.options.operationTimeoutMs });
  }

  private async shutDown(deadlineMs: number): Promise<void> {
    const deadline = clock.elapsed() + deadlineMs;
    this.line.become('closing');
    this.watches.close();
    this.link.stopAdmitting();
    await atMost(deadlineMs, this.admission.idle());
    await this.link.close(Math.max(0, deadline - clock.elapsed()));
    this.line.closed();
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** An adapter that throws at once says no as well as one that rejects. */
function begun<T>(work: () => Promise<T>): Promise<T> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(asError(error));
  }
}

function withDefaults(options: ResultBackendOptions): CompleteResultBackendOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([name, value]) => value !== undefined && name in DEFAULT_RESULT_BACKEND_OPTIONS));
  return { ...DEFAULT_RESULT_BACKEND_OPTIONS, ...given };
}

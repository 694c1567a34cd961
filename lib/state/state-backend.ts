import type { Observable } from 'rxjs';
import type { DispatcherError } from '../errors.js';

/**
 * The port to whatever keeps results, group members, unique locks, pause flags and revocations: a
 * few atomic operations on keys and bytes. One of your own stands in `resultBackend` of the configuration;
 * `stateBackendContract` of `nestjs-dispatcher/contract-suites` holds every backend to what is written here.
 *
 * Every operation may reject with
 * - ResultBackendUnavailableError: not connected for as long as an operation may take, or too many
 *   operations are waiting, or the connection broke under this one (it may have happened);
 * - ResultBackendTimeoutError: no answer in time (it may still happen);
 * - ShutdownError: the backend is closing.
 *
 * Each of them can be repeated without harm until it succeeds. After a repeated `setIfAbsent` the
 * present value may be one's own: give each owner a value of its own. After a repeated `addMember`
 * the member is no longer new, and `count` is right all the same: decide by `count`, not by `added`.
 *
 * @publicApi
 */
export interface StateBackend {
  readonly capabilities: StateBackendCapabilities;
  /** Where the connection stands now. */
  readonly state: StateBackendState;
  /** The current state on subscription, then each change. Completes when closed. */
  readonly states: Observable<StateBackendState>;
  /** What happens on the way, for logs and metrics. Hot; no replay. Completes when closed. */
  readonly events: Observable<StateBackendEvent>;

  /**
   * Connects, and from then on keeps the connection, whatever time that takes. Idempotent while it
   * works; after a rejection it may be called again.
   * @throws ResultBackendRefusedError, ConfigurationError at once when trying again cannot help
   * @throws ResultBackendUnavailableError when it cannot be reached within `connectTimeoutMs`
   */
  connect(): Promise<void>;

  /**
   * Writes the value, whatever was there; it expires anew from now.
   * @throws ResultTooLargeError when it is larger than `capabilities.maxValueBytes`
   */
  set(key: string, value: Buffer, options: ExpiryOptions): Promise<void>;

  /** The value, or `undefined` when there is none, or none any more. */
  get(key: string): Promise<Buffer | undefined>;

  /** Takes the key if nobody has it; of any number of callers at the same time exactly one does. */
  setIfAbsent(key: string, value: Buffer, options: ExpiryOptions): Promise<Claim>;

  /** Writes the value only if `expected` is there, byte for byte: a renewed lock, a change that must not undo another's. */
  replaceIfEqual(key: string, expected: Buffer, value: Buffer, options: ExpiryOptions): Promise<boolean>;

  /** Removes the key only if this value is there: only the owner frees a lock. False: it was not. */
  deleteIfEqual(key: string, value: Buffer): Promise<boolean>;

  /** Removes the value and all members of this key. */
  delete(key: string): Promise<void>;

  /**
   * Puts a member into the set of this key, unless it is there already: then its first value stays.
   * The set expires as a whole, `expiresInMs` after the latest addition. A set and a value of the
   * same key are two things.
   */
  addMember(key: string, member: string, value: Buffer, options: ExpiryOptions): Promise<MemberCount>;

  /**
   * The members in the order of their arrival, in pages of some {@link MEMBERS_PAGE_BYTES}, so that
   * 100,000 of them need no more memory than a few. Those that were there at the start are all in
   * it, each once; those added since may be.
   */
  members(key: string): AsyncIterable<readonly Member[]>;

  /**
   * Calls back with the value that is there, soon, and with each later one, until the returned
   * function is called. Several changes in a short time may be told as one, the last; the last one
   * is always told, also after the connection was lost in between. That a value was deleted or has
   * expired is not told. Never rejects: while the backend is away, the watch waits.
   */
  watch(key: string, onValue: (value: Buffer) => void): StopWatching;

  /**
   * Ends watches, lets operations under way finish, and lets go of every socket, timer and file.
   * Idempotent. Settles within `deadlineMs`, whatever hangs.
   */
  close(deadlineMs: number): Promise<void>;
}

/** The code of an error where a backend has dropped, before it expired, what it was given: it does not come back. */
export const RESULTS_GONE = 'ERR_DISPATCHER_RESULTS_GONE';

/** Pages of {@link StateBackend.members} end once they hold so many bytes of values. */
export const MEMBERS_PAGE_BYTES = 1024 * 1024;
/** ... or so many members. */
export const MEMBERS_PAGE_COUNT = 500;

/** @publicApi */
export interface ExpiryOptions {
  /**
   * Milliseconds from now, 1 or more, after which the entry is gone; `Infinity`: never. Never early
   * by the backend's clock; how late, `capabilities.expiresLateMs` says.
   */
  expiresInMs: number;
}

/** `taken`: the key is yours. Otherwise the value of whoever has it. @publicApi */
export type Claim = { readonly taken: true } | { readonly taken: false; readonly value: Buffer };

/** @publicApi */
export interface MemberCount {
  /** How many distinct members the set has after this addition. */
  readonly count: number;
  /** False: it was there before. */
  readonly added: boolean;
}

/** @publicApi */
export interface Member {
  readonly member: string;
  readonly value: Buffer;
}

/** Ends a watch: its callback is not called any more. Idempotent. @publicApi */
export type StopWatching = () => void;

/** What differs between backends. @publicApi */
export interface StateBackendCapabilities {
  /** False: only this process sees what it wrote. */
  readonly readableByAnyProcess: boolean;
  /** Changes reach a watch without polling. */
  readonly pushes: boolean;
  /** Entries survive a restart of what keeps them, as far as its own configuration makes them durable. */
  readonly survivesRestart: boolean;
  /** Entries may go before they expire, when memory is short. */
  readonly mayEvict: boolean;
  /** The largest value, in bytes. Known exactly once connected. */
  readonly maxValueBytes: number;
  /** How long an expired entry may still be seen, in milliseconds. */
  readonly expiresLateMs: number;
}

/** @publicApi */
export type StateBackendStatus =
  /** `connect` was not called yet, or has failed. */
  | 'idle'
  | 'connecting'
  | 'ready'
  /** Connected, but nothing can be written (a full disk, for one): operations that write reject at once. Reading goes on. */
  | 'blocked'
  /** The connection was lost and is being made again. */
  | 'lost'
  | 'closing'
  | 'closed';

/** @publicApi */
export interface StateBackendState {
  readonly status: StateBackendStatus;
  /** Milliseconds since 1970 at which this status began. */
  readonly since: number;
  /** Why, for `lost`, `blocked` and for an `idle` after a failed `connect`. */
  readonly cause?: DispatcherError;
}

/** @publicApi */
export type StateBackendEvent =
  | { readonly type: 'results.connected'; readonly attempt: number }
  | { readonly type: 'results.connection-lost'; readonly error: DispatcherError }
  | { readonly type: 'results.connect-failed'; readonly error: DispatcherError; readonly attempt: number; readonly retryInMs?: number }
  /** Nothing can be written, until `results.unblocked`. */
  | { readonly type: 'results.blocked'; readonly reason: string }
  | { readonly type: 'results.unblocked' }
  /** A watch's callback threw. A defect of the caller; the watch goes on. */
  | { readonly type: 'results.callback-failed'; readonly key: string; readonly error: unknown }
  /** Something unusual that was dealt with. */
  | { readonly type: 'results.warning'; readonly message: string };

/** @deprecated It is called {@link StateBackendEvent}. @publicApi */
export type ResultBackendEvent = StateBackendEvent;

import type { DispatcherError } from '../errors.js';
import type { Claim, Member, MemberCount, StateBackendCapabilities } from './state-backend.js';

/**
 * What an adapter implements: one connection to one kind of store, and the atomic operations on it.
 * Everything that is the same for all of them (reconnecting, limits, time limits, states, events,
 * odd keys, watching) is written once, around it, in `supervised/`.
 *
 * Keys arrive short and plain (`[A-Za-z0-9_.:~-]`, {@link MAX_STORED_KEY_BYTES} at most), already
 * with the configured prefix; member names as the caller wrote them; times as whole milliseconds, or
 * `undefined` for "never expires".
 *
 * An operation rejects with an error of `lib/errors.ts`: with ResultBackendUnavailableError only when
 * the connection is gone, which makes the supervisor connect anew.
 */
export interface ResultStore {
  /** For error texts: scheme, hosts, no password. */
  readonly display: string;
  readonly capabilities: StateBackendCapabilities;
  /** True where additions to one set hinder each other: those of this process then come one by one. */
  readonly addsInTurn?: boolean;

  /**
   * Makes the connection, or makes it anew: what is left of an earlier one is let go of first.
   * Resolves once the store has answered. The supervisor limits the time and calls {@link drop}
   * when it is over.
   * @throws ResultBackendRefusedError, ConfigurationError when trying again cannot help
   */
  connect(listener: StoreListener): Promise<void>;
  /** Rejects when the connection does not work (all of it: commands and subscriptions). */
  ping(): Promise<void>;
  /** Lets go of everything at once; pending operations reject or stay silent. `connect` may follow. */
  drop(): void;
  /** As {@link drop}, but may first say goodbye. Nothing follows. */
  close(): Promise<void>;

  /** In the order of the keys; at most {@link MAX_KEYS_AT_ONCE}. */
  getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]>;
  set(key: string, value: Buffer, expiresInMs: number | undefined): Promise<void>;
  setIfAbsent(key: string, value: Buffer, expiresInMs: number | undefined): Promise<Claim>;
  replaceIfEqual(key: string, expected: Buffer, value: Buffer, expiresInMs: number | undefined): Promise<boolean>;
  deleteIfEqual(key: string, value: Buffer): Promise<boolean>;
  delete(key: string): Promise<void>;
  addMember(key: string, member: string, value: Buffer, expiresInMs: number | undefined): Promise<MemberCount>;
  /** One page from `position` on (0 at first), and where the next one begins, if there may be one. */
  membersPage(key: string, position: number): Promise<MembersPage>;

  /**
   * Where the store can push: from then on `listener.changed` is called with each new value of the
   * key. Called once for a key; again after each `connect`. Stores that only poll leave both out.
   */
  subscribe?(key: string): Promise<void>;
  unsubscribe?(key: string): void;
}

export interface MembersPage {
  readonly members: readonly Member[];
  readonly next?: number;
}

export interface StoreListener {
  /** The connection is gone; the supervisor will call `connect` again. */
  lost(error: DispatcherError): void;
  /** Connected, but nothing can be written, for this reason; `undefined`: it can again. */
  blocked(error: DispatcherError | undefined): void;
  /** A subscribed key has this new value; without one: it may have changed, read it. */
  changed(key: string, value?: Buffer): void;
  warning(message: string): void;
}

export const MAX_STORED_KEY_BYTES = 200;
/** Few, because each value may be megabytes. */
export const MAX_KEYS_AT_ONCE = 20;
/** Members are named in full or by hash; so that every store can index them. */
export const MAX_MEMBER_BYTES = 512;

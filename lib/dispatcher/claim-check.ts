import type { Address, Message } from '../brokers/broker.js';
import type { Bodies } from '../bodies/bodies.js';
import { Claims, hasClaim } from '../claims/claims.js';
import { HeldReleases } from '../claims/held-releases.js';
import { PublishBufferFullError, UnroutableTaskError } from '../errors.js';
import { BUILT_IN_FORMATS } from '../formats/formats.js';
import { gofortFormat } from '../formats/gofort.js';
import type { EventSink } from '../events/dispatcher-event.js';
import { messageOf } from '../task/error-text.js';
import type { ResolvedClaims } from './config/claims-config.js';

/** An acknowledgement is told within this, or the connection is known to be lost. */
const HOLD_MS = 60_000;

export interface ClaimCheckDependencies {
  readonly claims: ResolvedClaims | undefined;
  readonly bodies: Bodies;
  readonly maxTaskBytes: number;
  /** Go, which knows nothing of claims, may read what is sent there. */
  readonly readsGo: (address: Address) => boolean;
  /** The broker is there, and hears what is acknowledged. */
  readonly isHeard: () => boolean;
  readonly emit: EventSink;
}

const OTHERS: ReadonlySet<unknown> = new Set(BUILT_IN_FORMATS.filter((format) => format !== gofortFormat).map(({ name }) => name));

/** Large bodies on their way into a claim store, out of it, and away. Without a store nothing of it is done. */
export class ClaimCheck {
  private readonly claims: Claims | undefined;
  private readonly held: HeldReleases;

  constructor(private readonly dependencies: ClaimCheckDependencies) {
    const { claims, maxTaskBytes: maxBytes, isHeard } = dependencies;
    this.claims = claims && new Claims({ ...claims, maxBytes, isOfOthers: (format) => OTHERS.has(format) });
    this.held = new HeldReleases({ holdMs: HOLD_MS, isHeard, remove: (key) => this.remove(key) });
  }

  /** For whatever is published. */
  readonly leave = (message: Message, address: Address): Promise<Message> | undefined => (
    this.claims === undefined || this.dependencies.readsGo(address) ? undefined : this.claims.leave(message));

  /** What it left for this message is of no use where nothing was sent for certain; otherwise it is left over. */
  readonly unsent = (left: Message, error: unknown): void => {
    if (this.claims !== undefined && (error instanceof UnroutableTaskError || error instanceof PublishBufferFullError)) void this.remove(this.claims.keyOf(left));
  };

  /** `undefined`: there is nothing to fetch. Otherwise it can be decoded once this resolves, if its body is there. Rejects where the store cannot be reached. */
  readonly fetch = (message: Message): Promise<void> | undefined => (
    this.claims === undefined || !hasClaim(message.properties) ? undefined : this.fetched(this.claims, message));

  /** Nobody needs it any more, and its end is told. Never rejects: what stays is swept one day. */
  readonly release = (message: Message): void => {
    if (this.claims !== undefined && hasClaim(message.properties)) this.held.add(this.claims.keyOf(message));
  };

  /** What of it a worker is given. */
  get ofWorkers(): { fetch?: ClaimCheck['fetch']; release?: ClaimCheck['release'] } {
    if (this.claims === undefined) return {};
    return this.dependencies.claims?.deletes === true ? { fetch: this.fetch, release: this.release } : { fetch: this.fetch };
  }

  /** How many were removed. */
  sweep(before: Date): Promise<number> {
    return this.dependencies.claims?.store.sweep(before) ?? Promise.resolve(0);
  }

  /** When no worker takes anything any more, and before the connection goes. */
  close(limitMs: number): Promise<void> {
    return this.held.close(limitMs);
  }

  private async fetched(claims: Claims, message: Message): Promise<void> {
    const body = await claims.redeem(message);
    this.held.takeBack(claims.keyOf(message));
    if (body !== undefined) this.dependencies.bodies.provide(message, body);
  }

  private async remove(key: string): Promise<void> {
    try {
      await this.claims?.remove(key);
    } catch (error) {
      this.dependencies.emit({ type: 'broker.warning', message: `A body that nobody needs any more could not be deleted from the claim store; it is left to sweepClaims(). ${messageOf(error)}` });
    }
  }
}

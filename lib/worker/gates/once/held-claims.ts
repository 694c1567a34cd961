import { ShutdownError } from '../../../errors.js';
import type { ResultBackend } from '../../../state/result-backend.js';
import { decodeClaim, encodeClaim, type OnceClaim } from './once-claim.js';

/** A claim of a task that runs here. */
export interface HeldClaim {
  readonly key: string;
  readonly owner: string;
  /** As it was last written. */
  bytes: Buffer;
  readonly expiresInMs: number;
  /** How long its end is remembered. */
  readonly rememberMs: number;
  /** How its copies are told apart from others, where it was made for a lease. */
  readonly lease?: string;
  /** Its run was left, maybe while the claim was still asked for. */
  isLeft?: boolean;
  /** Its task has ended. */
  isOver?: boolean;
}

/** Renews the claims of what runs here, all by one timer, which is there only while something runs. */
export class HeldClaims {
  private readonly held = new Set<HeldClaim>();
  private timer: NodeJS.Timeout | undefined;
  private renewing = false;

  constructor(private readonly backend: () => Promise<ResultBackend>, private readonly now: () => number, private readonly renewMs: number) {}

  add(claim: HeldClaim): void {
    this.held.add(claim);
    this.timer ??= setInterval(() => void this.renewAll(), this.renewMs).unref();
  }

  remove(claim: HeldClaim): void {
    this.held.delete(claim);
    if (this.held.size === 0) this.stop();
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** One round at a time: while the backend is away, rounds must not pile up. */
  private async renewAll(): Promise<void> {
    if (this.renewing) return;
    this.renewing = true;
    try {
      const backend = await this.backend();
      await Promise.all([...this.held].map((claim) => this.renew(backend, claim)));
    } catch (error) {
      // It is tried again at the next beat; whoever takes a claim over meanwhile is found out when the task ends.
      if (error instanceof ShutdownError) this.letGo();
    } finally {
      this.renewing = false;
    }
  }

  private async renew(backend: ResultBackend, claim: HeldClaim): Promise<void> {
    const current = decodeClaim(claim.bytes) as OnceClaim;
    const renewed = encodeClaim({ ...current, at: this.now() });
    if (await backend.replaceIfEqual(claim.key, claim.bytes, renewed, claim)) {
      claim.bytes = renewed;
      return;
    }
    // An earlier write whose answer was lost may stand there; anything else is another's.
    const found = await backend.get(claim.key);
    if (found !== undefined && decodeClaim(found)?.owner === claim.owner) claim.bytes = found;
    // A store that was short of memory, or has lost what it had.
    else if (found === undefined && this.held.has(claim) && (await backend.setIfAbsent(claim.key, renewed, claim)).taken) claim.bytes = renewed;
    else this.remove(claim);
  }

  private letGo(): void {
    this.held.clear();
    this.stop();
  }
}

import { randomBytes } from 'node:crypto';
import type { StateBackend } from '../../../state/state-backend.js';
import { clock, type ClockTimer } from '../../../time/clock.js';

const MANY_OTHERS = 1_000;

export interface LeaseOwner {
  backend(): Promise<StateBackend>;
  /** Whether this process holds something that needs the lease. */
  isHolding(): boolean;
  /** Every few seconds while it holds something. */
  tick(): void;
  /** Others may have taken what this process holds: it has another name from now on. */
  lost(error: unknown): void;
}

export interface LeaseOptions {
  /**
   * After a time in which nothing could be renewed, by nobody, nobody is in a hurry: who finds its own entry gone has it
   * written again under its name, and who finds that of another gone believes it only when it has renewed its own for a whole
   * lease without a gap. For what is taken over in a way that both sides see. Default: false.
   */
  readonly patient?: boolean;
}

/** Of a lease: so long a gap between two renewals is one in which others could not renew theirs either. */
const GAP = 2 / 3;

/**
 * The name under which this process holds places, and the sign that it lives: one entry of the backend, renewed while
 * anything is held, however much that is.
 */
export class Lease {
  private name = newName();
  private validUntil = -Infinity;
  private registered = false;
  private renewing: Promise<void> | undefined;
  private timer: ClockTimer | undefined;
  private stopped = false;
  private readonly seen = new Map<string, number>();
  private steadyFrom = Infinity;
  private renewedAt = -Infinity;

  /** @param leaseMs a process that is dead, or stood still for so long, holds nothing any more */
  constructor(private readonly prefix: string, private readonly leaseMs: number, private readonly owner: LeaseOwner, private readonly options: LeaseOptions = {}) {}

  get current(): string { return this.name; }

  /** Since when it was renewed without a gap, by the clock that nobody sets; `Infinity`: never yet. */
  get steadySince(): number { return this.steadyFrom; }

  /** Our name, which others will see alive for a while. Starts the renewal. */
  async ensure(): Promise<string> {
    if (clock.elapsed() > this.validUntil - this.leaseMs / 2) await this.renew();
    if (!this.stopped) this.timer ??= clock.setInterval(() => this.onTimer(), this.leaseMs / 3).unref();
    return this.name;
  }

  /** Those of them whose lease has ended. */
  async gone(names: readonly string[]): Promise<string[]> {
    const now = clock.elapsed();
    if (this.options.patient === true && (now > this.validUntil || now - this.steadyFrom < this.leaseMs)) return [];
    const believedMs = this.leaseMs / 6;
    const unsure = names.filter((name) => name !== this.name && (this.seen.get(name) ?? -Infinity) < now - believedMs);
    const backend = await this.owner.backend();
    const lives = await Promise.all(unsure.map((name) => backend.get(this.prefix + name)));
    if (this.seen.size > MANY_OTHERS) this.seen.clear();
    for (const [index, name] of unsure.entries()) if (lives[index] !== undefined) this.seen.set(name, now);
    return unsure.filter((_, index) => lives[index] === undefined);
  }

  stop(): void {
    this.stopped = true;
    clock.clear(this.timer);
    this.timer = undefined;
  }

  /** Nothing is held: nobody need wait for the end of the lease. */
  async resign(): Promise<void> {
    this.stop();
    if (!this.registered) return;
    await (await this.owner.backend()).delete(this.prefix + this.name);
  }

  private onTimer(): void {
    if (!this.owner.isHolding()) {
      clock.clear(this.timer);
      this.timer = undefined;
      return;
    }
    this.renew().catch((error: unknown) => {
      if (this.registered && this.options.patient !== true && clock.elapsed() > this.validUntil) this.rename(error);
    }).finally(() => this.owner.tick());
  }

  private renew(): Promise<void> {
    return (this.renewing ??= this.writeDown().finally(() => { this.renewing = undefined; }));
  }

  private async writeDown(): Promise<void> {
    const backend = await this.owner.backend();
    if (this.registered) {
      const asked = clock.elapsed();
      const value = Buffer.from(this.name);
      if (await backend.replaceIfEqual(this.prefix + this.name, value, value, { expiresInMs: this.leaseMs })) return this.renewed(asked);
      if (this.options.patient !== true) this.rename(undefined);
    }
    const asked = clock.elapsed();
    await backend.set(this.prefix + this.name, Buffer.from(this.name), { expiresInMs: this.leaseMs });
    this.registered = true;
    this.renewed(asked);
  }

  private renewed(asked: number): void {
    if (asked - this.renewedAt > this.leaseMs * GAP) this.steadyFrom = asked;
    this.renewedAt = asked;
    this.validUntil = asked + this.leaseMs;
  }

  /** The old name may count as dead already, and must not live again: it may be struck off at any moment. */
  private rename(error: unknown): void {
    this.name = newName();
    this.registered = false;
    this.validUntil = -Infinity;
    if (this.owner.isHolding()) this.owner.lost(error);
  }
}

function newName(): string {
  return randomBytes(9).toString('base64url');
}

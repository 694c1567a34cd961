import type { StateBackend } from '../../../state/state-backend.js';
import { clock } from '../../../time/clock.js';
import type { RateLimit } from '../limit-options.js';
import { Turns } from '../turns.js';

/** Tickets that turn out to be in use are passed over; after so many the task waits. */
const MOST_TRIES = 8;
const SHORTEST_GRACE_MS = 20;
const LONGEST_GRACE_MS = 10_000;
/** Part of the period that a ticket may take from the question to the start. */
const GRACE_SHARE = 1 / 50;
const GRACE_DECAY = 0.99;
const SHORTEST_TURN_MS = 50;
const LONGEST_TURN_MS = 600_000;

export interface PermitHost {
  backend(): Promise<StateBackend>;
}

/**
 * A rate: as many tickets as there may be starts in a period. A start takes one, and nobody can take it again before a
 * whole period has passed since the start: so no period of this length, wherever it begins, sees more starts than there
 * are tickets. No clocks are compared: a ticket is kept for the period and a grace, and is only good for a start within
 * that grace after it was asked for.
 */
export class Permits {
  /** By ticket: when it is likely to be free, on this process' own clock. Only a hint, the backend decides. */
  private readonly freeAt: Float64Array;
  private readonly periodMs: number;
  private readonly leastGraceMs: number;
  private graceMs: number;
  private next: number;
  private fullUntil = -Infinity;
  private usedUntil = -Infinity;
  private readonly turns = new Turns();

  constructor(private readonly host: PermitHost, private readonly key: string, { starts, perSeconds }: RateLimit, private readonly random: () => number = clock.random) {
    this.freeAt = new Float64Array(starts).fill(-Infinity);
    this.periodMs = perSeconds * 1000;
    this.leastGraceMs = Math.max(SHORTEST_GRACE_MS, Math.min(this.periodMs * GRACE_SHARE, 1_000));
    this.graceMs = this.leastGraceMs;
    // Each process begins elsewhere, so that they seldom ask for the same one.
    this.next = Math.floor(random() * starts);
  }

  isIdle(now: number): boolean {
    return this.usedUntil <= now && this.turns.last <= now;
  }

  /** What gives the ticket back, for a task that does not start after all; `undefined`: all are used up. @throws what the backend throws */
  async take(): Promise<(() => Promise<void>) | undefined> {
    const backend = await this.host.backend();
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const ticket = this.likelyFree(clock.elapsed());
      if (ticket === undefined) return undefined;
      const value = await this.ask(backend, ticket);
      if (value !== undefined) return () => this.giveBack(backend, ticket, value);
    }
    return undefined;
  }

  /** In how many milliseconds to ask again. */
  turn(): number {
    const now = clock.elapsed();
    const first = Math.min(Math.max(this.fullUntil - now, SHORTEST_TURN_MS), LONGEST_TURN_MS);
    return this.turns.next(now, first, this.periodMs / this.freeAt.length, this.random());
  }

  /** The value under which the ticket is ours, unless somebody else has it or the answer came too late. */
  private async ask(backend: StateBackend, ticket: number): Promise<Buffer | undefined> {
    const { graceMs } = this;
    const heldMs = this.periodMs + graceMs;
    const asked = clock.elapsed();
    // Nobody else asks for it meanwhile; if the answer is lost, it may be ours.
    this.freeAt[ticket] = this.usedUntil = asked + heldMs;
    const value = Buffer.from(`${Math.ceil(clock.now() + heldMs)} ${this.random()}`);
    const claim = await backend.setIfAbsent(this.keyOf(ticket), value, { expiresInMs: heldMs });
    const answered = clock.elapsed();
    this.fullUntil = -Infinity;
    if (!claim.taken) {
      this.freeAt[ticket] = this.hint(claim.value, answered);
      return undefined;
    }
    this.freeAt[ticket] = answered + heldMs;
    const inTime = answered - asked < graceMs;
    // A slow backend: tickets that come too late to be used would be used up for nothing.
    this.graceMs = inTime ? Math.max(this.leastGraceMs, graceMs * GRACE_DECAY) : Math.min(LONGEST_GRACE_MS, graceMs * 2);
    return inTime ? value : undefined;
  }

  private async giveBack(backend: StateBackend, ticket: number, value: Buffer): Promise<void> {
    await backend.deleteIfEqual(this.keyOf(ticket), value);
    this.freeAt[ticket] = this.fullUntil = -Infinity;
  }

  private likelyFree(now: number): number | undefined {
    if (now < this.fullUntil) return undefined;
    const { length } = this.freeAt;
    let earliest = Infinity;
    for (let step = 0; step < length; step++) {
      const ticket = (this.next + step) % length;
      const free = this.freeAt[ticket]!;
      if (free <= now) {
        this.next = (ticket + 1) % length;
        return ticket;
      }
      earliest = Math.min(earliest, free);
    }
    this.fullUntil = earliest;
    return undefined;
  }

  /** When whoever has the ticket expects it to be free. Clocks differ: at least a moment, at most a whole period. */
  private hint(value: Buffer, now: number): number {
    const inMs = Number(value.toString().split(' ')[0]) - clock.now();
    const least = Math.max(SHORTEST_GRACE_MS / 2, this.periodMs / 100);
    const most = this.periodMs + LONGEST_GRACE_MS;
    return now + (inMs > least ? Math.min(inMs, most) : least);
  }

  private keyOf(ticket: number): string {
    return `${this.key}.${ticket}`;
  }
}

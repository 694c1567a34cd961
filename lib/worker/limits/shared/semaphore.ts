import { ShutdownError } from '../../../errors.js';
import type { StateBackend } from '../../../state/state-backend.js';
import { clock } from '../../../time/clock.js';
import { pauseUntil } from '../../../time/pause-until.js';
import { Lane } from '../lane.js';
import type { Lease } from './lease.js';
import { changedRoll, encodeRoll, heldByOthers, parseRoll, type Roll } from './roll.js';

/** After an answer "all places are taken" nobody asks again for so long. */
const FULL_FOR_MS = 100;
/** When the backend does not answer. */
const RETRY_MS = 1_000;
const LONGEST_CONFLICT_PAUSE_MS = 200;
/** Should everybody die, the roll is gone after this. */
const ROLL_MS = 3_600_000;

export interface SemaphoreHost {
  readonly lease: Lease;
  readonly stopped: AbortSignal;
  backend(): Promise<StateBackend>;
}

interface Waiter {
  resolve(taken: boolean): void;
  reject(error: unknown): void;
}

/**
 * So many places over all processes. One question at a time is under way, and settles all who have come meanwhile: the
 * backend sees a few operations for each round, not for each task. Places are given back in the background: until then
 * they count as taken, so there are never more than there may be.
 */
export class Semaphore {
  private readonly lane: Lane;
  private readonly waiting: Waiter[] = [];
  private held = 0;
  /** How many the roll says that we hold; NaN where that is not known. */
  private recorded = 0;
  /** The roll as it was last seen. At first: nobody holds anything. */
  private known: { readonly value: Buffer | undefined } | undefined = { value: undefined };
  private fullUntil = -Infinity;
  private writtenAt = -Infinity;
  private working = false;

  constructor(private readonly host: SemaphoreHost, private readonly key: string, readonly size: number) {
    this.lane = new Lane(size);
  }

  get places(): number { return this.held; }
  /** Nothing is left to be written down. */
  get isSettled(): boolean { return !this.working && this.held === this.recorded; }

  isIdle(now: number): boolean {
    return this.isSettled && this.held === 0 && this.lane.isIdle(now);
  }

  /** False: all places are taken. @throws what the backend throws */
  acquire(): Promise<boolean> {
    if (clock.elapsed() < this.fullUntil) return Promise.resolve(false);
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      void this.work();
    });
  }

  /** `durationMs`: how long it ran, if it did. */
  release(durationMs: number | undefined): void {
    this.held--;
    this.lane.leave(durationMs);
    this.fullUntil = -Infinity;
    void this.work();
  }

  /** In how many milliseconds to ask again. */
  turn(): number {
    return this.lane.turn(clock.elapsed(), clock.random());
  }

  /** Our name has changed, or the roll has become old: it is written anew. */
  refresh(force: boolean): void {
    if (!force && (this.held === 0 || clock.elapsed() - this.writtenAt < ROLL_MS / 3)) return;
    this.known = undefined;
    this.recorded = NaN;
    void this.work();
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    for (let conflicts = 0; this.waiting.length > 0 || this.recorded !== this.held;) {
      if (this.host.stopped.aborted) break;
      try {
        if (await this.round()) conflicts = 0;
        else await pauseUntil(clock.random() * Math.min(LONGEST_CONFLICT_PAUSE_MS, 5 * 2 ** conflicts++), this.host.stopped);
      } catch (error) {
        this.known = undefined;
        for (const waiter of this.waiting.splice(0)) waiter.reject(error);
        if (this.recorded !== this.held) await pauseUntil(RETRY_MS, this.host.stopped);
      }
    }
    this.working = false;
    if (this.host.stopped.aborted) for (const waiter of this.waiting.splice(0)) waiter.reject(new ShutdownError('The dispatcher is closing; no place is taken any more.'));
  }

  /** False when another process has changed the roll meanwhile. */
  private async round(): Promise<boolean> {
    if (this.waiting.length > 0 && clock.elapsed() < this.fullUntil) {
      this.refuse(this.waiting.length);
      return true;
    }
    const holder = await this.host.lease.ensure();
    const backend = await this.host.backend();
    const asking = this.waiting.length;
    const { value, roll, gone } = await this.read(backend, holder, asking);
    // From here to the write nothing is awaited: what is held may change at any time.
    const granted = Math.min(asking, this.free(roll, holder, gone));
    const mine = this.held + granted;
    if (mine !== (roll.holders.get(holder) ?? 0) || gone.length > 0 || Number.isNaN(this.recorded)) {
      this.recorded = NaN;
      this.known = undefined;
      if (!await this.write(backend, value, encodeRoll(changedRoll(roll, holder, mine, gone)))) return false;
    }
    this.recorded = holder === this.host.lease.current ? mine : NaN;
    for (const waiter of this.waiting.splice(0, granted)) {
      this.held++;
      this.lane.enter();
      waiter.resolve(true);
    }
    if (granted < asking) {
      this.fullUntil = clock.elapsed() + FULL_FOR_MS;
      this.refuse(asking - granted);
    }
    return true;
  }

  /** What was seen last will do as long as there is room: the write shows whether it still holds. */
  private async read(backend: StateBackend, holder: string, asking: number): Promise<{ value: Buffer | undefined; roll: Roll; gone: string[] }> {
    if (this.known !== undefined) {
      const roll = parseRoll(this.known.value, clock.random());
      if (this.free(roll, holder, []) >= asking) return { value: this.known.value, roll, gone: [] };
    }
    const value = await backend.get(this.key);
    this.known = { value };
    const roll = parseRoll(value, clock.random());
    const gone = this.free(roll, holder, []) < asking ? await this.host.lease.gone([...roll.holders.keys()]) : [];
    return { value, roll, gone };
  }

  private free(roll: Roll, holder: string, gone: readonly string[]): number {
    let others = heldByOthers(roll, holder);
    for (const name of gone) if (name !== holder) others -= roll.holders.get(name) ?? 0;
    return Math.max(0, this.size - others - this.held);
  }

  private async write(backend: StateBackend, expected: Buffer | undefined, next: Buffer | undefined): Promise<boolean> {
    const written = await this.exchange(backend, expected, next);
    if (!written) return false;
    this.known ??= { value: next };
    this.writtenAt = clock.elapsed();
    return true;
  }

  private async exchange(backend: StateBackend, expected: Buffer | undefined, next: Buffer | undefined): Promise<boolean> {
    if (expected === undefined) {
      if (next === undefined) return true;
      const claim = await backend.setIfAbsent(this.key, next, { expiresInMs: ROLL_MS });
      if (!claim.taken) this.known = { value: claim.value };
      return claim.taken;
    }
    if (next === undefined) return backend.deleteIfEqual(this.key, expected);
    return backend.replaceIfEqual(this.key, expected, next, { expiresInMs: ROLL_MS });
  }

  private refuse(count: number): void {
    for (const waiter of this.waiting.splice(0, count)) waiter.resolve(false);
  }
}

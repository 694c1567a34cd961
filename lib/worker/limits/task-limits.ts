import { InvalidTaskError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import { GiveBack } from '../give-back.js';
import { Lane } from './lane.js';

export interface LimitOptions {
  /** Runs of this name at once in this process. */
  readonly limit?: number;
  /** One at a time of each key; `undefined`: no key, no limit of its own. */
  readonly limitKey?: (args: readonly unknown[]) => string | undefined;
}

/** From so many keys on, those that nobody uses are forgotten. */
const MANY_KEYS = 1_000;

/** What of one task name may run at once in this process, across its workers. */
export class TaskLimits {
  private readonly whole: Lane | undefined;
  private readonly keys = new Map<string, Lane>();
  private forgetAt = MANY_KEYS;

  constructor(private readonly name: string, private readonly options: LimitOptions) {
    if (options.limit !== undefined) this.whole = new Lane(options.limit);
  }

  /**
   * Takes what a run needs, all or nothing, and returns what gives it back.
   *
   * @throws GiveBack when it must wait, InvalidTaskError for a key that is none, or what `limitKey` throws
   */
  enter(args: readonly unknown[]): () => void {
    const now = performance.now();
    const key = this.keyOf(args);
    const own = key === undefined ? undefined : this.laneOf(key, now);
    // The key first: who waits for its key must not take a turn of the whole.
    if (own?.isFull) throw this.wait(own, now, `another with the key "${String(key).slice(0, 80)}" is running (limitKey)`);
    if (this.whole?.isFull) throw this.wait(this.whole, now, `${this.whole.running} are running (limit)`);
    own?.enter();
    this.whole?.enter();
    return () => {
      const duration = performance.now() - now;
      own?.leave(duration);
      this.whole?.leave(duration);
    };
  }

  private keyOf(args: readonly unknown[]): string | undefined {
    const key: unknown = this.options.limitKey?.(args);
    if (key === undefined || typeof key === 'string') return key;
    throw new InvalidTaskError(`limitKey of task "${this.name}" must give a string, or undefined for no key; it gave ${display(key)}.`, { task: this.name });
  }

  private laneOf(key: string, now: number): Lane {
    let lane = this.keys.get(key);
    if (lane === undefined) {
      if (this.keys.size >= this.forgetAt) this.forgetIdle(now);
      lane = new Lane(1);
      this.keys.set(key, lane);
    }
    return lane;
  }

  private forgetIdle(now: number): void {
    for (const [key, lane] of this.keys) if (lane.isIdle(now)) this.keys.delete(key);
    // Looking through them all again soon would cost more than it frees.
    this.forgetAt = Math.max(MANY_KEYS, this.keys.size * 2);
  }

  private wait(lane: Lane, now: number, why: string): GiveBack {
    return new GiveBack(lane.turn(now, Math.random()) / 1000, `Task "${this.name}" waits: ${why}.`);
  }
}

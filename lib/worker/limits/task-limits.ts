import { InvalidTaskError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import { clock } from '../../time/clock.js';
import { GiveBack } from '../give-back.js';
import { Keyed } from './keyed.js';
import { Lane } from './lane.js';
import { isShared, type TaskLimitOptions } from './limit-options.js';

/** Gives back what a run has taken; `ran` false: its handler was not called. */
export type Release = (ran: boolean) => void;

/** What of one task name may run at once in this process, across its workers; what holds for all processes is only known here. */
export class TaskLimits {
  readonly isShared: boolean;
  private readonly whole: Lane | undefined;
  private readonly keys: Keyed<Lane> | undefined;

  constructor(private readonly name: string, readonly options: TaskLimitOptions) {
    const { process: whole, perKey } = options;
    this.isShared = isShared(options);
    if (whole !== undefined) this.whole = new Lane(whole);
    const ofKey = perKey?.process;
    if (ofKey !== undefined) this.keys = new Keyed(() => new Lane(ofKey));
  }

  /**
   * Takes what a run needs in this process, all or nothing, and returns what gives it back.
   *
   * @throws GiveBack when it must wait, InvalidTaskError for a key that is none, or what `key` throws
   */
  enter(args: readonly unknown[]): Release {
    const now = clock.elapsed();
    const key = this.keyOf(args);
    const own = key === undefined ? undefined : this.keys?.of(key, now);
    // The key first: who waits for its key must not take a turn of the whole.
    if (own?.isFull) throw this.wait(own, now, `${own.running} with the key "${String(key).slice(0, 80)}" run in this process (limits.perKey.process)`);
    if (this.whole?.isFull) throw this.wait(this.whole, now, `${this.whole.running} run in this process (limits.process)`);
    own?.enter();
    this.whole?.enter();
    return (ran) => {
      const duration = ran ? clock.elapsed() - now : undefined;
      own?.leave(duration);
      this.whole?.leave(duration);
    };
  }

  /** @throws InvalidTaskError for a key that is none, or what `key` throws */
  keyOf(args: readonly unknown[]): string | undefined {
    const key: unknown = this.options.perKey?.key(args);
    if (key === undefined || typeof key === 'string') return key;
    throw new InvalidTaskError(`limits.perKey.key of task "${this.name}" must give a string, or undefined for no key; it gave ${display(key)}.`, { task: this.name });
  }

  private wait(lane: Lane, now: number, why: string): GiveBack {
    return new GiveBack(lane.turn(now, clock.random()) / 1000, `Task "${this.name}" waits: ${why}.`);
  }
}

import { clock, type ClockTimer } from '../../time/clock.js';

/** Deliveries that wait here while no task ends for so long are given back for other workers. */
const STALL_MS = 250;
/** The same where handlers take many tasks at once: what waits is the next call of one, and given back it would come again at once. */
export const BATCH_STALL_MS = 5_000;

/** Tasks were short and are long now: what waits here should go to whoever has a slot free. */
export class StallWatch {
  private timer: ClockTimer | undefined;

  /**
   * @param ended how many tasks have ended
   * @param isOver nothing waits any more, or it waits for a reason
   * @param patienceMs how long no task may end, where that is longer
   */
  constructor(
    private readonly ended: () => number, private readonly isOver: () => boolean, private readonly onStall: () => void,
    private readonly patienceMs: () => number = () => 0,
  ) {}

  /** Called for every delivery that waits: costs nothing while it watches. */
  start(): void {
    if (this.timer === undefined) this.watch();
  }

  stop(): void {
    clock.clear(this.timer);
    this.timer = undefined;
  }

  /** @param since when something ended last, or this began */
  private watch(since = clock.elapsed()): void {
    const endedBefore = this.ended();
    const due = clock.elapsed() + STALL_MS;
    this.timer = clock.setTimeout(() => {
      this.timer = undefined;
      if (this.isOver()) return;
      // A timer that comes late says that this process was busy or starved, not that its tasks are long.
      const starved = clock.elapsed() - due > STALL_MS / 4;
      if (this.ended() !== endedBefore || starved) this.watch();
      else if (clock.elapsed() - since < this.patienceMs() - STALL_MS / 4) this.watch(since);
      else this.onStall();
    }, STALL_MS);
  }
}

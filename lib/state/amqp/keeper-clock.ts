import { clock } from '../../time/clock.js';

/**
 * The time by which entries expire, in milliseconds since 1970. It goes on evenly, whatever is done
 * to the computer's clock, and never begins before what an earlier keeper has written.
 */
export class KeeperClock {
  private begin = clock.now() - clock.elapsed();

  now(): number {
    return this.begin + clock.elapsed();
  }

  /** An earlier keeper was at this time: its entries must not live longer or shorter because of two clocks that differ. */
  startFrom(time: number): void {
    this.begin += Math.max(0, time - this.now());
  }
}

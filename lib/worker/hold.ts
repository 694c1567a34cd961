import { Timer } from '../time/timer.js';

/** How many tasks may run: none for a time, then one at a time, until it is ended. */
export class Hold {
  /** `Infinity` where nothing is held back. */
  slots = Infinity;
  private timer: Timer | undefined;

  constructor(private readonly onOneMay: () => void) {}

  start(milliseconds: number): void {
    this.timer?.cancel();
    this.slots = 0;
    this.timer = new Timer(milliseconds, () => {
      this.slots = 1;
      this.onOneMay();
    });
  }

  end(): void {
    this.timer?.cancel();
    this.slots = Infinity;
  }
}

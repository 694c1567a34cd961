/** How many tasks may run: none for a time, then one at a time, until it is ended. */
export class Hold {
  /** False where nothing is held back: then `slots` sets no limit. */
  isOn = false;
  slots = Infinity;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly onOneMay: () => void) {}

  start(milliseconds: number): void {
    clearTimeout(this.timer);
    this.isOn = true;
    this.slots = 0;
    this.timer = setTimeout(() => {
      this.slots = 1;
      this.onOneMay();
    }, milliseconds);
  }

  end(): void {
    clearTimeout(this.timer);
    this.isOn = false;
    this.slots = Infinity;
  }
}

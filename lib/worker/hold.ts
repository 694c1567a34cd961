/** How many tasks may run: none for a time, then one at a time, until it is ended. */
export class Hold {
  /** `Infinity` where nothing is held back. */
  slots = Infinity;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly onOneMay: () => void) {}

  start(milliseconds: number): void {
    clearTimeout(this.timer);
    this.slots = 0;
    this.timer = setTimeout(() => {
      this.slots = 1;
      this.onOneMay();
    }, milliseconds);
  }

  end(): void {
    clearTimeout(this.timer);
    this.slots = Infinity;
  }
}

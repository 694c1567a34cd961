import type { Terminal } from '../terminal.js';

const WIDTH = 30;
const PAUSE_MS = 100;
const WHOLE_LINE = '\r\u001b[2K';

/** How far long work is: on the standard error of a terminal, nowhere else. */
export class Progress {
  private done = 0;
  private shownAt = -Infinity;
  private isShown = false;

  constructor(private readonly stderr: Terminal['stderr'], private readonly what: string, private total: number | undefined, private readonly now = (): number => performance.now()) {}

  add(count = 1): void {
    this.set(this.done + count);
  }

  set(done: number, total = this.total): void {
    this.done = done;
    this.total = total;
    if (this.stderr.isTTY !== true || this.now() - this.shownAt < PAUSE_MS) return;
    this.shownAt = this.now();
    this.isShown = true;
    this.stderr.write(WHOLE_LINE + this.line());
  }

  /** Takes the bar away. Idempotent. */
  end(): void {
    if (this.isShown) this.stderr.write(WHOLE_LINE);
    this.isShown = false;
  }

  line(): string {
    if (this.total === undefined) return `${this.what} ${this.done}`;
    const share = this.total === 0 ? 1 : Math.min(1, this.done / this.total);
    const filled = Math.round(share * WIDTH);
    return `${this.what} [${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${Math.floor(share * 100)}% ${this.done}/${this.total}`;
  }
}

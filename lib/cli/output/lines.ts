import { type Terminal, write } from '../terminal.js';

const MOST_WAITING = 5_000;
const AT_ONCE = 200;

/** Prints lines as they come. Whoever reads slowly loses some, which are counted; the program holds a bounded number. */
export class Lines {
  dropped = 0;
  private waiting: string[] = [];
  private writing: Promise<void> | undefined;

  constructor(private readonly stdout: Terminal['stdout']) {}

  add(line: string): void {
    if (this.waiting.length >= MOST_WAITING) this.dropped++;
    else this.waiting.push(line);
    // Whoever waits for the end is told of a failure.
    this.done().catch(() => undefined);
  }

  /** Resolves when all of them are printed. @throws what keeps them from being */
  done(): Promise<void> {
    return (this.writing ??= this.write());
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) await write(this.stdout, this.waiting.splice(0, AT_ONCE).map((line) => `${line}\n`).join(''));
    this.writing = undefined;
  }
}

/** Lets so much work run at a time; the rest waits in its order. */
export class Turnstile {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly places: number) {}

  async run(work: () => Promise<void>): Promise<void> {
    if (this.running < this.places) this.running++;
    else await new Promise<void>((resolve) => { this.waiting.push(resolve); });
    try {
      await work();
    } finally {
      // A place is handed on, so that nobody slips in between.
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }
}

const KEPT = 64;
/** Of fewer nobody can say what is usual. */
const ENOUGH = 20;

/** How long the last runs of one task name took here. */
export class TaskKind {
  private readonly durations = new Float64Array(KEPT);
  private count = 0;

  constructor(readonly name: string) {}

  took(durationMs: number): void {
    this.durations[this.count++ % KEPT] = durationMs;
  }

  /** What 19 of 20 took at most; `undefined` while too few are known. */
  get usualMs(): number | undefined {
    const known = Math.min(this.count, KEPT);
    if (known < ENOUGH) return undefined;
    return this.durations.slice(0, known).sort()[Math.ceil(known * 0.95) - 1];
  }
}

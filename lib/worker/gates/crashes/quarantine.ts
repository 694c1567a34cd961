/**
 * Keeps tasks apart that may both have crashed their process. When a process dies, all that ran in it are suspected; run
 * beside each other again and again, the innocent would be buried with the guilty. From half of what is allowed on, of
 * the suspected ones a process runs one at a time: the innocent ends, and the guilty dies alone.
 */
export class Quarantine {
  private inside: object | undefined;

  /** True when no other is inside, or it is already. */
  enter(run: object): boolean {
    this.inside ??= run;
    return this.inside === run;
  }

  /** Idempotent; nothing for whoever is not inside. */
  leave(run: object): void {
    if (this.inside === run) this.inside = undefined;
  }
}

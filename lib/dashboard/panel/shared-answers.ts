const FRESH_MS = 1_000;
const MOST_KEPT = 200;

/** One question and one answer for however many pages ask the same within a second. */
export class SharedAnswers {
  private readonly kept = new Map<string, { readonly answer: Promise<unknown>; until: number }>();

  constructor(private readonly now: () => number) {}

  of(key: string, ask: () => Promise<unknown>): Promise<unknown> {
    const known = this.kept.get(key);
    if (known !== undefined && known.until > this.now()) return known.answer;
    const entry = { answer: ask(), until: Infinity };
    this.kept.set(key, entry);
    // Those that were asked first go first; whoever waits for one still gets it.
    for (const first of this.kept.keys()) {
      if (this.kept.size <= MOST_KEPT) break;
      this.kept.delete(first);
    }
    const done = (): void => { entry.until = this.now() + FRESH_MS; };
    entry.answer.then(done, done);
    return entry.answer;
  }

  /** Something was changed: what is asked from now on is to show it. */
  forget(): void {
    this.kept.clear();
  }
}

/** What is to go wrong the next times. */
export class Faults {
  private readonly next = new Map<string, Error[]>();

  /** Runs of this name fail with it, so many of them. */
  add(name: string, error: Error, times: number): void {
    this.next.set(name, [...this.next.get(name) ?? [], ...Array.from({ length: times }, () => error)]);
  }

  /** What the run that begins now is to fail with. */
  take(name: string): Error | undefined {
    return this.next.get(name)?.shift();
  }

  clear(): void {
    this.next.clear();
  }
}

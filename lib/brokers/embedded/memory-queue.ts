/** What a memory queue keeps in order. */
export interface Ordered {
  readonly order: number;
}

/** Below this many consumed places, moving the rest of the array is not worth it. */
const COMPACT_FROM = 4096;

/**
 * First in, first out, where what was taken can go back to its old place. `push` expects rising
 * orders; whatever comes back was taken from the front, so it is older than all that is in line.
 */
export class MemoryQueue<T extends Ordered> {
  private line: (T | undefined)[] = [];
  private head = 0;
  /** What came back, newest first: the next to leave is the last. */
  private readonly returned: T[] = [];

  get size(): number {
    return this.line.length - this.head + this.returned.length;
  }

  push(item: T): void {
    this.line.push(item);
  }

  get first(): T | undefined {
    return this.returned.at(-1) ?? this.line[this.head];
  }

  shift(): T | undefined {
    if (this.returned.length > 0) return this.returned.pop();
    if (this.head === this.line.length) return undefined;
    const item = this.line[this.head];
    this.line[this.head] = undefined;
    this.head += 1;
    if (this.head === this.line.length) this.reset();
    else if (this.head >= COMPACT_FROM && this.head * 2 > this.line.length) this.compact();
    return item;
  }

  putBack(item: T): void {
    const { returned } = this;
    let low = 0;
    let high = returned.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (returned[middle]!.order > item.order) low = middle + 1;
      else high = middle;
    }
    returned.splice(low, 0, item);
  }

  private reset(): void {
    this.line = [];
    this.head = 0;
  }

  private compact(): void {
    this.line = this.line.slice(this.head);
    this.head = 0;
  }
}

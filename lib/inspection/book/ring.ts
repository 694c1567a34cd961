/** The last of many, in the order in which they came. Each has a number, from 0, for ever. */
export class Ring<T> {
  private readonly slots: (T | undefined)[];
  /** How many ever came: the number of the next one. */
  next = 0;

  constructor(readonly capacity: number) {
    this.slots = new Array<T | undefined>(capacity);
  }

  /** The number of the oldest that is there. */
  get first(): number {
    return Math.max(0, this.next - this.capacity);
  }

  /** What has to give way for the next one. */
  get leaving(): T | undefined {
    return this.slots[this.next % this.capacity];
  }

  push(item: T): void {
    this.slots[this.next++ % this.capacity] = item;
  }

  at(number: number): T | undefined {
    return number >= this.first && number < this.next ? this.slots[number % this.capacity] : undefined;
  }

  *newestFirst(): Generator<T> {
    for (let number = this.next - 1; number >= this.first; number--) yield this.slots[number % this.capacity] as T;
  }
}

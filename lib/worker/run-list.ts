/** What a {@link RunList} may hold: it knows its neighbours itself, so that coming and going makes nothing new. */
export interface Listed<Item> {
  before: Item | undefined;
  after: Item | undefined;
}

/** What runs, in the order in which it came. As a Set, for things that come and go tens of thousands of times a second. */
export class RunList<Item extends Listed<Item>> implements Iterable<Item> {
  private first: Item | undefined;
  private last: Item | undefined;
  size = 0;

  /** It must be in no list. */
  add(item: Item): void {
    if (this.last === undefined) this.first = item;
    else this.last.after = item;
    item.before = this.last;
    this.last = item;
    this.size++;
  }

  has(item: Item): boolean {
    return item.before !== undefined || this.first === item;
  }

  /** Nothing happens where it is not there any more. */
  delete(item: Item): void {
    if (!this.has(item)) return;
    const { before, after } = item;
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.last = before;
    else after.before = before;
    // Whoever keeps it must not keep all that came after it.
    item.before = item.after = undefined;
    this.size--;
  }

  /** All of them, none of which is there any more. */
  takeAll(): Item[] {
    const all = this.list();
    for (const item of all) item.before = item.after = undefined;
    this.first = this.last = undefined;
    this.size = 0;
    return all;
  }

  /** Those that are there when it begins, without those that have gone until their turn comes. */
  * [Symbol.iterator](): Generator<Item> {
    for (const item of this.list()) if (this.has(item)) yield item;
  }

  /** One number of each, written into `numbers`, which has as many then: nothing is made. */
  fill(numbers: number[], numberOf: (item: Item) => number): void {
    numbers.length = this.size;
    let index = 0;
    for (let item = this.first; item !== undefined; item = item.after) numbers[index++] = numberOf(item);
  }

  private list(): Item[] {
    const all: Item[] = [];
    for (let item = this.first; item !== undefined; item = item.after) all.push(item);
    return all;
  }
}

/** Which of the records written so far are safe: all up to one number. */
export class Confirms {
  private readonly outstanding = new Set<number>();
  private last = 0;

  /** The number of the record written last; 0: none yet. */
  get latest(): number {
    return this.last;
  }

  /** All records up to this one are confirmed. */
  get upTo(): number {
    const { value } = this.outstanding.values().next();
    return value === undefined ? this.last : value - 1;
  }

  next(): number {
    this.outstanding.add(++this.last);
    return this.last;
  }

  /** In any order. */
  confirmed(number: number): void {
    this.outstanding.delete(number);
  }
}

import { clock, type ClockTimer } from '../../time/clock.js';

interface Entry<T> { readonly item: T; readonly due: number }

/** A line of entries that all wait equally long, so that the first is always the next one due. */
class Line<T> {
  private entries: Entry<T>[] = [];
  private head = 0;

  constructor(readonly waitMs: number) {}

  get firstDue(): number {
    return this.entries[this.head]?.due ?? Infinity;
  }

  add(item: T): void {
    this.entries.push({ item, due: clock.elapsed() + this.waitMs });
  }

  takeDue(now: number, into: T[]): void {
    for (let first = this.entries[this.head]; first !== undefined && first.due <= now; first = this.entries[++this.head]) into.push(first.item);
    if (this.head * 2 < this.entries.length) return;
    this.entries = this.entries.slice(this.head);
    this.head = 0;
  }
}

/**
 * When to look again: after the shortest pause, then after one twice as long, and so on up to the
 * longest. One timer and a handful of lines, however many items.
 */
export class PollSchedule<T> {
  private readonly lines: Line<T>[] = [];
  private readonly longest: Line<T>;
  private timer: ClockTimer | undefined;
  private timerDue = Infinity;

  constructor(minMs: number, maxMs: number, private readonly onDue: (items: T[]) => void) {
    for (let wait = minMs; wait < maxMs; wait *= 2) this.lines.push(new Line(wait));
    this.longest = new Line(maxMs);
    this.lines.push(this.longest);
  }

  /** @param step how often the pause has doubled; beyond the longest it stays that */
  add(item: T, step: number): void {
    (this.lines[step] ?? this.longest).add(item);
    this.arm();
  }

  stop(): void {
    clock.clear(this.timer);
    this.timerDue = Infinity;
  }

  private arm(): void {
    const due = Math.min(...this.lines.map((line) => line.firstDue));
    if (due >= this.timerDue) return;
    clock.clear(this.timer);
    this.timerDue = due;
    this.timer = clock.setTimeout(() => this.fire(), Math.max(0, due - clock.elapsed()));
  }

  private fire(): void {
    this.timerDue = Infinity;
    const due: T[] = [];
    const now = clock.elapsed();
    for (const line of this.lines) line.takeDue(now, due);
    if (due.length > 0) this.onDue(due);
    if (this.lines.some((line) => line.firstDue < Infinity)) this.arm();
  }
}

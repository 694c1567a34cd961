/** Something that is on its way, and what it does where it arrives. */
export interface Passage {
  readonly what: string;
  run(): void;
}

/** Whoever sends nothing and runs nothing: the servers, and the simulator itself. */
export const NOBODY = 0;

/** Lanes with something in them, of which the simulator chooses. */
export interface LaneHost {
  readonly busy: Lane[];
  /** By the simulated clock. */
  elapsed(): number;
}

/** What is on its way from one to another, in its order: each step of a simulation takes the first of some lane. */
export class Lane {
  private readonly passages: (Passage & { readonly since: number })[] = [];
  private at = -1;

  /** @param owner in whose process it arrives */
  constructor(private readonly host: LaneHost, readonly owner: number) {}

  get length(): number {
    return this.passages.length;
  }

  /** When the first was sent, in milliseconds of the simulated clock. */
  get since(): number {
    return this.passages[0]?.since ?? Infinity;
  }

  push(what: string, run: () => void): void {
    this.passages.push({ what, run, since: this.host.elapsed() });
    if (this.at >= 0) return;
    this.at = this.host.busy.length;
    this.host.busy.push(this);
  }

  take(): Passage {
    const passage = this.passages.shift() as Passage;
    if (this.passages.length === 0) this.rest();
    return passage;
  }

  /** What comes after the first so many is lost on its way. */
  truncate(length: number): void {
    this.passages.length = Math.min(length, this.passages.length);
    if (this.passages.length === 0) this.rest();
  }

  private rest(): void {
    if (this.at < 0) return;
    const { busy } = this.host;
    const last = busy.pop() as Lane;
    if (last !== this) {
      busy[this.at] = last;
      last.at = this.at;
    }
    this.at = -1;
  }
}

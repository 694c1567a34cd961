import { Random } from '../endurance/random.js';
import { Lane, NOBODY } from './lane.js';
import { SimulatedTime, type TimeHost } from './simulated-time.js';
import { drained, takeOver } from './take-over.js';

const START_MS = Date.UTC(2026, 0, 1);
/** Of the trace; the whole of it is in its hash. */
const KEPT_LINES = 400;

/** A promise that was broken: the end of a run, and what it was there for. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** Time, chance and whatever is on its way, for all processes of one run; each step is one choice, made by the seed. */
export class World implements TimeHost {
  readonly busy: Lane[] = [];
  readonly time = new SimulatedTime(this, START_MS);
  readonly chance: Random;
  current = NOBODY;
  steps = 0;
  /** The latest lines of the trace. */
  readonly lines: string[] = [];
  violation: Violation | undefined;
  private hash = 0x811c9dc5;
  private owners = 0;
  private readonly alive = new Map<number, { readonly skewMs: number; readonly immediates: Lane; readonly chance: Random }>();
  private giveBack: (() => void) | undefined;

  /** @param onLine told of each line of the trace */
  constructor(readonly seed: number, private readonly onLine?: (line: string) => void) {
    this.chance = new Random(seed);
  }

  async enter(): Promise<void> {
    this.giveBack = await takeOver({
      time: this.time, isInside: () => this.current !== NOBODY, random: () => this.random(),
      setImmediate: (run) => this.soon(run), clearImmediate: (immediate) => { (immediate as { cleared: boolean }).cleared = true; },
    });
  }

  leave(): void {
    this.giveBack?.();
  }

  elapsed(): number {
    return this.time.elapsed();
  }

  random(): number {
    return (this.alive.get(this.current)?.chance ?? this.chance).next();
  }

  /** A new process; its chances are its own, so that one more of them changes nothing of the others. */
  born(skewMs: number): number {
    const owner = ++this.owners;
    this.alive.set(owner, { skewMs, immediates: new Lane(this, owner), chance: new Random(Math.imul(this.seed + 1, 0x9e3779b1) + owner) });
    return owner;
  }

  /** Nothing of it goes on. */
  died(owner: number): void {
    this.alive.get(owner)?.immediates.truncate(0);
    this.alive.delete(owner);
  }

  isAlive(owner: number): boolean {
    return owner === NOBODY || this.alive.has(owner);
  }

  skewOf(owner: number): number {
    return this.alive.get(owner)?.skewMs ?? 0;
  }

  note(line: string): void {
    let { hash } = this;
    for (let at = 0; at < line.length; at++) hash = Math.imul(hash ^ line.charCodeAt(at), 0x01000193);
    this.hash = hash;
    this.lines.push(line);
    this.onLine?.(line);
    if (this.lines.length > 2 * KEPT_LINES) this.lines.splice(0, KEPT_LINES);
  }

  /** Of all that has happened until now: two runs that have it in common were the same. */
  get fingerprint(): string {
    return `${this.steps}-${(this.hash >>> 0).toString(16).padStart(8, '0')}`;
  }

  broken(promise: string): void {
    this.violation ??= new Violation(promise);
    this.note(`VIOLATION: ${promise}`);
  }

  /** One step, in the process of that owner, with all that follows from it at once. */
  async step(owner: number, what: string, run: () => void): Promise<void> {
    this.steps++;
    this.note(`${Math.round(this.time.elapsed())} ${owner} ${what}`);
    this.current = owner;
    try {
      run();
      await drained();
    } finally {
      this.current = NOBODY;
    }
  }

  /** What the simulated does on its own accord outside of any lane, such as to begin. */
  within<T>(owner: number, run: () => T): T {
    const before = this.current;
    this.current = owner;
    try {
      return run();
    } finally {
      this.current = before;
    }
  }

  /** The first of this lane arrives; where its process is dead, nobody hears of it. */
  async take(lane: Lane): Promise<void> {
    const { what, run } = lane.take();
    if (this.isAlive(lane.owner)) await this.step(lane.owner, what, run);
  }

  passTime(): Promise<void> {
    const { owner, run } = this.time.next();
    return this.step(owner, 'timer', run);
  }

  private soon(run: () => void): object {
    const immediate = { cleared: false, unref: () => immediate, ref: () => immediate };
    this.alive.get(this.current)?.immediates.push('immediate', () => { if (!immediate.cleared) run(); });
    return immediate;
  }
}

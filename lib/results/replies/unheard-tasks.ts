/** @param worker the address that came with its progress */
export type TellWorker = (worker: string, uuid: string, listening: boolean) => void;

/** Beyond it the longest unheard is forgotten: its progress is then sent again, and not asked to stop. */
const MOST_UNHEARD = 100_000;
/** What a worker had sent before it was told still comes in; it is told again only if it goes on after that. */
const TELL_AGAIN_MS = 1_000;

interface Unheard {
  /** The last worker that was told. */
  worker?: string;
  toldAt: number;
}

/**
 * The caller's side: tasks of which everybody who listened here has left. A worker is told when progress of one comes
 * in, whichever worker it is: so nothing needs to be remembered of workers, and one that took a task over, was
 * restarted, or missed what it was told is told as well.
 */
export class UnheardTasks {
  private readonly tasks = new Map<string, Unheard>();

  /** @param now in milliseconds, never going back */
  constructor(private readonly tell: TellWorker, private readonly now: () => number) {}

  get size(): number { return this.tasks.size; }

  /** Nobody listens any more. */
  left(uuid: string): void {
    if (this.tasks.has(uuid)) return;
    if (this.tasks.size >= MOST_UNHEARD) this.forgetOldest();
    this.tasks.set(uuid, { toldAt: -Infinity });
  }

  /** Somebody listens again. */
  cameBack(uuid: string): void {
    const { worker } = this.tasks.get(uuid) ?? {};
    this.tasks.delete(uuid);
    if (worker !== undefined) this.tell(worker, uuid, true);
  }

  ended(uuid: string): void {
    this.tasks.delete(uuid);
  }

  /** Progress came, from there. */
  received(uuid: string, worker: string): void {
    const unheard = this.tasks.get(uuid);
    if (unheard === undefined) return;
    const now = this.now();
    if (now - unheard.toldAt < TELL_AGAIN_MS) return;
    unheard.worker = worker;
    unheard.toldAt = now;
    this.tell(worker, uuid, false);
  }

  private forgetOldest(): void {
    for (const uuid of this.tasks.keys()) {
      this.tasks.delete(uuid);
      return;
    }
  }
}

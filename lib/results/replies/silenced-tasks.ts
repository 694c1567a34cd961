import type { Reported } from '../outcome-recorder.js';
import type { ListeningNote } from './listening-note.js';

/**
 * How long a caller's word holds. After it one report is sent, and a caller to which still nobody listens says so
 * again. This is what heals everything: a note that somebody listens again may be lost, or come before the one that
 * nobody does.
 */
export const SILENCED_FOR_MS = 60_000;
/** Beyond it the one that was silenced first speaks again, and is silenced again if need be. */
const MOST_SILENCED = 10_000;

/** The worker's side: tasks to whose progress nobody listens. Of a task that is known by its uuid and its caller. */
export class SilencedTasks {
  /** Until when. In the order in which they were silenced. */
  private readonly tasks = new Map<string, number>();

  /** @param now in milliseconds, never going back */
  constructor(private readonly now: () => number) {}

  get size(): number { return this.tasks.size; }

  take({ uuid, caller, listening }: ListeningNote): void {
    const key = keyOf(uuid, caller);
    this.tasks.delete(key);
    if (listening) return;
    this.makeRoom();
    this.tasks.set(key, this.now() + SILENCED_FOR_MS);
  }

  has({ uuid, replyTo }: Reported): boolean {
    if (this.tasks.size === 0 || replyTo === undefined) return false;
    const key = keyOf(uuid, replyTo);
    const until = this.tasks.get(key);
    if (until === undefined) return false;
    if (this.now() < until) return true;
    this.tasks.delete(key);
    return false;
  }

  ended({ uuid, replyTo }: Reported): void {
    if (this.tasks.size > 0 && replyTo !== undefined) this.tasks.delete(keyOf(uuid, replyTo));
  }

  /** All hold for the same time, so the first ones are the first to be over. */
  private makeRoom(): void {
    const now = this.now();
    for (const [key, until] of this.tasks) {
      if (until > now && this.tasks.size < MOST_SILENCED) return;
      this.tasks.delete(key);
    }
  }
}

/** Neither is ours: any character may be in them. */
function keyOf(uuid: string, caller: string): string {
  return `${uuid.length} ${uuid} ${caller}`;
}

import type { Reported } from '../outcome-recorder.js';
import type { ListeningNote } from './listening-note.js';

/**
 * How long a caller's word holds. After it one report is sent, and a caller to which still nobody listens says so
 * again. This is what heals everything: a note that somebody listens again may be lost, or come before the one that
 * nobody does.
 */
export const SILENCED_FOR_MS = 60_000;
/** How long that caller has to say so before more is sent. */
export const ASKING_FOR_MS = 1_000;
/** Beyond it the one that was silenced first speaks again, and is silenced again if need be. */
const MOST_SILENCED = 10_000;

interface Silence {
  readonly until: number;
  /** Its time was over, and one report was sent since. */
  readonly asking: boolean;
}

/** The worker's side: tasks to whose progress nobody listens. Of a task that is known by its uuid and its caller. */
export class SilencedTasks {
  /** In the order in which they were silenced. */
  private readonly tasks = new Map<string, Silence>();

  /** @param now in milliseconds, never going back */
  constructor(private readonly now: () => number) {}

  get size(): number { return this.tasks.size; }

  take({ uuid, caller, listening }: ListeningNote): void {
    const key = keyOf(uuid, caller);
    this.tasks.delete(key);
    if (listening) return;
    this.makeRoom();
    this.tasks.set(key, { until: this.now() + SILENCED_FOR_MS, asking: false });
  }

  /** Asked before each report, and no more often: one may go out when the time is over, to ask. */
  keepsBack({ uuid, replyTo }: Reported): boolean {
    if (this.tasks.size === 0 || replyTo === undefined) return false;
    const key = keyOf(uuid, replyTo);
    const silence = this.tasks.get(key);
    if (silence === undefined) return false;
    const now = this.now();
    if (now < silence.until) return true;
    if (silence.asking) this.tasks.delete(key);
    else this.tasks.set(key, { until: now + ASKING_FOR_MS, asking: true });
    return false;
  }

  ended({ uuid, replyTo }: Reported): void {
    if (this.tasks.size > 0 && replyTo !== undefined) this.tasks.delete(keyOf(uuid, replyTo));
  }

  /** All hold for about the same time, so the first ones are the first to be over. */
  private makeRoom(): void {
    const now = this.now();
    for (const [key, { until }] of this.tasks) {
      if (until > now && this.tasks.size < MOST_SILENCED) return;
      this.tasks.delete(key);
    }
  }
}

/** Neither is ours: any character may be in them. */
function keyOf(uuid: string, caller: string): string {
  return `${uuid.length} ${uuid} ${caller}`;
}

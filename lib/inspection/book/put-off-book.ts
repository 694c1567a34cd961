import type { TaskIdentity } from '../../events/dispatcher-event.js';
import { detached, shortened } from '../../task/error-text.js';

const MOST_KEPT = 1_000;
const LONGEST_REASON = 300;

/** A task that was sent to its queue again with a delay, without having been run. */
export interface PutOff {
  readonly name: string;
  readonly queue: string;
  readonly at: number;
  readonly dueAt: number;
  readonly reason: string;
}

/** Why the last tasks that were put off here wait: of a limit, of a pause, of a name that nobody knows; or that were published here for later. */
export class PutOffBook {
  private readonly kept = new Map<string, PutOff>();

  add({ uuid, name, queue }: Pick<TaskIdentity, 'uuid' | 'name' | 'queue'>, pauseMs: number, reason: string | undefined, now: number): void {
    // To the end: the one that was put off longest ago goes first.
    this.kept.delete(uuid);
    this.kept.set(detached(uuid), { name: detached(name), queue, at: now, dueAt: now + pauseMs, reason: shortened(reason ?? `No worker of the queue "${queue}" in this process has a handler of this name.`, LONGEST_REASON) });
    if (this.kept.size <= MOST_KEPT) return;
    const [oldest] = this.kept.keys();
    if (oldest !== undefined) this.kept.delete(oldest);
  }

  of(uuid: string): PutOff | undefined {
    return this.kept.get(uuid);
  }
}

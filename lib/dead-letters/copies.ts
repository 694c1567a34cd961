import type { DeadLetter } from './dead-letter.js';

/**
 * Tells dead letters from their copies. A process that dies after it has written a dead letter, and before the broker
 * has heard that the task is done with, leaves one that another process writes again. It is one task, by its uuid,
 * that has died once: it is shown, replayed and discarded as one.
 */
export class Copies {
  private readonly seen = new Set<string>();

  /** Notes it. What has no uuid may be alike, and be another all the same. */
  add(letter: DeadLetter): void {
    if (letter.uuid !== undefined) this.seen.add(keyOf(letter));
  }

  has(letter: DeadLetter): boolean {
    return letter.uuid !== undefined && this.seen.has(keyOf(letter));
  }
}

/** One that was replayed and has died again is another. */
function keyOf({ uuid, replays }: DeadLetter): string {
  return `${replays} ${uuid}`;
}

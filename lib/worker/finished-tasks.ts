/** As many as can be in flight at a broker's worst moment, and no more. */
const REMEMBERED = 1_000;

/**
 * Attempts that ended here but whose acknowledgement came too late, because the connection was lost
 * in between. When the broker delivers one again, it is acknowledged without a second run.
 */
export class FinishedTasks {
  private readonly keys = new Set<string>();

  add(uuid: string, attempt: number, copy = ''): void {
    this.keys.add(keyOf(uuid, attempt, copy));
    if (this.keys.size > REMEMBERED) this.keys.delete(this.keys.values().next().value as string);
  }

  /** True once: it forgets what it has answered. */
  take(uuid: string, attempt: number, copy = ''): boolean {
    return this.keys.size > 0 && this.keys.delete(keyOf(uuid, attempt, copy));
  }
}

function keyOf(uuid: string, attempt: number, copy: string): string {
  return `${attempt} ${uuid} ${copy}`;
}

import { detached } from '../../task/error-text.js';
import type { TickEnd } from '../asking/messages.js';

const MOST_TICKS = 1_000;

/** How the last tasks that schedules published ended here: kept however many others end meanwhile. */
export class TickBook {
  private readonly ends = new Map<string, TickEnd>();

  add(end: TickEnd): void {
    const uuid = detached(end.uuid);
    this.ends.delete(uuid);
    this.ends.set(uuid, { ...end, uuid });
    if (this.ends.size <= MOST_TICKS) return;
    const [oldest] = this.ends.keys();
    if (oldest !== undefined) this.ends.delete(oldest);
  }

  of(uuids: ReadonlySet<string>): TickEnd[] {
    return [...this.ends.values()].filter(({ uuid }) => uuids.has(uuid));
  }
}

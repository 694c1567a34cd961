import type { LivePoint } from '../answers.js';
import type { Snapshot } from './topics.js';

const MOST_POINTS = 150;
/** Nobody has looked for so long that a line from there to here would tell a tale. */
const LONGEST_GAP_MS = 30_000;

interface Totals { readonly succeeded: number; readonly failed: number; readonly retried: number }

/** The last moments of the live chart: what has ended since the snapshot before, by the second. */
export class LivePoints {
  readonly list: LivePoint[] = [];
  private totals = new Map<string, Totals>();
  private lastAt: number | undefined;

  add(snapshot: Snapshot): void {
    const { at, queues, running } = snapshot;
    const totals = totalsOf(snapshot);
    if (this.lastAt !== undefined && at - this.lastAt > LONGEST_GAP_MS) this.list.length = 0;
    else if (this.lastAt !== undefined && at > this.lastAt) {
      const seconds = (at - this.lastAt) / 1000;
      const rate = (of: keyof Totals): number => Math.round(10 * this.since(totals, of) / seconds) / 10;
      const waiting = queues.queues.reduce((sum, queue) => sum + (queue.waiting ?? 0), 0);
      this.list.push({ at, succeeded: rate('succeeded'), failed: rate('failed'), retried: rate('retried'), waiting, running: Math.max(running?.length ?? 0, queues.queues.reduce((sum, queue) => sum + queue.running, 0)) });
      if (this.list.length > MOST_POINTS) this.list.shift();
    }
    this.totals = totals;
    this.lastAt = at;
  }

  /** Who is new, or has not answered, has done nothing in between: all that a worker ever did is not of this second. */
  private since(totals: ReadonlyMap<string, Totals>, of: keyof Totals): number {
    let sum = 0;
    for (const [worker, now] of totals) sum += Math.max(0, now[of] - (this.totals.get(worker) ?? now)[of]);
    return sum;
  }
}

function totalsOf({ processes }: Snapshot): Map<string, Totals> {
  return new Map(processes.flatMap(({ id, workers }) => workers.map(({ name, totals }) => [`${id} ${name}`, totals] as const)));
}

import type { Pause } from '../control/pause.js';
import { clock } from '../time/clock.js';
import type { QueueSource } from './queues-report.js';

/** What costs the broker many operations, or an error in its log, is asked again after so long. */
const LASTS_MS = 4_000;
const MOST_ABSENT = 4_000;

interface Kept<T> {
  value: T | undefined;
  at: number;
  asking: Promise<T> | undefined;
}

/**
 * For whoever looks again and again: how many wait is asked each time; that there is no such queue, what is paused and what
 * is delayed, every few seconds.
 */
export class LastingSource implements QueueSource {
  private readonly absent = new Map<string, number>();
  private readonly paused: Kept<readonly Pause[]> = { value: undefined, at: -Infinity, asking: undefined };
  private readonly delaying: Kept<number> = { value: undefined, at: -Infinity, asking: undefined };

  constructor(private readonly source: QueueSource) {}

  known(): ReturnType<QueueSource['known']> {
    return this.source.known();
  }

  depth(queue: string): Promise<number | undefined> {
    return this.unlessAbsent(`depth ${queue}`, () => this.source.depth(queue));
  }

  oldestSince(queue: string): Promise<number | undefined> {
    return this.source.oldestSince(queue);
  }

  dead(queue: string): Promise<number | undefined> {
    return this.unlessAbsent(`dead ${queue}`, () => this.source.dead(queue));
  }

  undelivered(): Promise<number | undefined> {
    return this.unlessAbsent('undelivered', () => this.source.undelivered());
  }

  /** The first time it is waited for, from then on asked beside a look that tells what was known before. */
  async delayed(): Promise<number> {
    const fresh = this.fresh(this.delaying, () => this.source.delayed());
    fresh.catch(() => undefined);
    return this.delaying.value ?? fresh;
  }

  pauses(): Promise<readonly Pause[]> {
    return this.fresh(this.paused, () => this.source.pauses());
  }

  now(): number {
    return this.source.now();
  }

  /** Something was done here: what is known may be known better. */
  forget(): void {
    this.absent.clear();
    this.paused.at = -Infinity;
  }

  private async unlessAbsent(key: string, ask: () => Promise<number | undefined>): Promise<number | undefined> {
    const until = this.absent.get(key);
    if (until !== undefined && until > clock.elapsed()) return undefined;
    const found = await ask();
    if (found !== undefined) this.absent.delete(key);
    else {
      if (this.absent.size >= MOST_ABSENT) this.absent.clear();
      this.absent.set(key, clock.elapsed() + LASTS_MS);
    }
    return found;
  }

  private async fresh<T>(kept: Kept<T>, ask: () => Promise<T>): Promise<T> {
    if (kept.value !== undefined && clock.elapsed() - kept.at < LASTS_MS) return kept.value;
    kept.asking ??= ask().finally(() => { kept.asking = undefined; });
    const asked = clock.elapsed();
    const value = await kept.asking;
    kept.value = value;
    kept.at = asked;
    return value;
  }
}

import { moment, real, turn } from './real-time.js';
import { RealWork } from './real-work.js';

/** So many turns of the event loop in which nothing happens: longer chains of promises do not wait for a turn each. */
const QUIET_TURNS = 4;
const LOOK_MS = 1;
/** Each queue of a worker may be asked in turn. */
const MOST_ROUNDS = 1_000;
/** A handler that has not ended is given so long in any case: what it does may not be seen. */
const GRACE_MS = 50;

export interface Activity {
  /** Whatever happens changes it. */
  readonly changes: () => number;
  /** Handlers that run now. */
  readonly running: () => Iterable<string>;
  /** Tells those who wait for an answer that none comes. True: there were some. */
  readonly giveUpWaiting: () => boolean;
}

/** Knows when nothing happens any more, so that only time, or somebody from outside, can bring something about. */
export class Stillness {
  private work = new RealWork();
  /** Runs that have been waited for in vain: they wait for time, or for ever. */
  private readonly parked = new Set<string>();

  constructor(private readonly activity: Activity, private readonly patienceMs: number) {}

  /** Whatever runs from now on in this process counts as work that is waited for. */
  begin(): void {
    this.work = new RealWork();
  }

  /**
   * Resolves when nothing happens any more: to true where no handler runs; to false where one does, and waits for time to
   * pass, for ever, or for something real that takes longer than the patience.
   */
  async reached(): Promise<boolean> {
    let [seen, quiet, since, givenUp] = [this.activity.changes(), 0, real.elapsed(), 0];
    for (;;) {
      await turn();
      const now = this.activity.changes();
      if (now !== seen) {
        [seen, quiet, since, givenUp] = [now, 0, real.elapsed(), 0];
        continue;
      }
      if (++quiet < QUIET_TURNS) continue;
      // So often: whoever waits anew and anew without that anything happens would do so for ever.
      if (givenUp < MOST_ROUNDS && this.activity.giveUpWaiting()) {
        [quiet, givenUp] = [0, givenUp + 1];
        continue;
      }
      const awaited = this.awaited();
      if (awaited === 'none' || awaited === 'parked') return awaited === 'none';
      const waitedMs = real.elapsed() - since;
      if (waitedMs > (this.work.isPending ? this.patienceMs : GRACE_MS)) this.park();
      else await moment(LOOK_MS);
    }
  }

  private awaited(): 'none' | 'parked' | 'some' {
    const running = [...this.activity.running()];
    for (const run of this.parked) if (!running.includes(run)) this.parked.delete(run);
    if (running.length === 0) return 'none';
    return running.every((run) => this.parked.has(run)) ? 'parked' : 'some';
  }

  private park(): void {
    for (const run of this.activity.running()) this.parked.add(run);
  }
}

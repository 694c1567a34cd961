import { clock } from '../../time/clock.js';
import type { ProcessInfo, RunningTaskInfo } from '../model.js';
import type { Asker } from './asker.js';
import type { Answer, QueuePart } from './messages.js';
import { ToldParts } from './told-parts.js';

/** For those who have to be asked again, however late it is. */
const LEAST_MS = 100;

export interface ToldOverview {
  readonly parts: readonly QueuePart[];
  /** Absent where it was not asked for. */
  readonly running?: RunningTaskInfo[];
}

/** Asks all processes for all that an overview shows, by one question; those of an older version, which know of single ones alone, by two more. */
export class OverviewAsker {
  private readonly told = new ToldParts();

  constructor(private readonly asker: Asker, private readonly now: () => number) {}

  /**
   * @param running how many that run are wanted
   * @throws as {@link Asker.ask}
   */
  async ask(running: number | undefined, timeoutMs: number): Promise<ToldOverview> {
    const begun = clock.elapsed();
    const since = this.told.since(this.living());
    const asking = { kind: 'processes', also: { ...(since === undefined ? {} : { since }), ...(running === undefined ? {} : { running }) } } as const;
    const answers = await this.asker.ask(asking, timeoutMs);
    for (const answer of answers) if (answer.also !== undefined) this.take(answer, answer.also.queues, since);
    const older = answers.filter(({ also, busy }) => also === undefined && busy !== true);
    const runs = answers.flatMap(({ also }) => also?.running ?? []);
    if (older.length > 0) runs.push(...await this.askOlder(older, running, Math.max(LEAST_MS, timeoutMs - (clock.elapsed() - begun))));
    return { parts: this.told.of(this.living()), ...(running === undefined ? {} : { running: runs.sort((a, b) => a.startedAt - b.startedAt).slice(0, running) }) };
  }

  /** The queues of which living processes have told, the last time. */
  queues(): string[] {
    return [...new Set(this.told.of(this.living()).map(({ queue }) => queue))];
  }

  /** @returns what they run */
  private async askOlder(older: readonly Answer<'processes'>[], running: number | undefined, timeoutMs: number): Promise<RunningTaskInfo[]> {
    const of = older.map(({ process }) => process);
    const [queues, runs] = await Promise.all([
      this.asker.ask({ kind: 'queues', unless: 'also' }, timeoutMs, of),
      running === undefined ? [] : this.asker.ask({ kind: 'running', unless: 'also', limit: running }, timeoutMs, of),
    ]);
    for (const answer of older) {
      const parts = queues.find(({ process, busy }) => process === answer.process && busy !== true);
      if (parts !== undefined) this.take(answer, parts.items, undefined);
    }
    return runs.flatMap(({ items }) => items);
  }

  private take({ process, items, cut }: Answer<'processes'>, parts: readonly QueuePart[], since: number | undefined): void {
    const info = items.find(({ id }) => id === process);
    if (info !== undefined) this.told.take({ process, startedAt: info.startedAt, at: info.seenAt, since, parts, isCut: cut === true });
  }

  private living(): string[] {
    return this.asker.known.list(this.now()).flatMap(({ id, status }: ProcessInfo) => (status === 'alive' ? [id] : []));
  }
}

import type { DispatcherService } from '../../index.js';
import { clock } from '../../time/clock.js';
import { pauseUntil } from '../../time/pause-until.js';
import { within } from '../../time/within.js';
import { messageOf } from '../../task/error-text.js';
import type { InspectionFace } from '../inspection.js';
import type { Curtain } from '../panel/curtain.js';
import { LivePoints } from './live-points.js';
import { MOST_RUNNING, POLLED_TOPICS, topicsOf, type Snapshot } from './topics.js';

/** Between the end of one look and the beginning of the next, at least. */
const PAUSE_MS = 1_000;
/** So many times as long as it took: many processes on a busy machine are asked the more seldom. */
const PAUSE_TIMES = 4;
const LONGEST_PAUSE_MS = 8_000;
const ANSWER_MS = 1_000;
/** A look that takes longer has found a broker that is away. */
const LONGEST_LOOK_MS = 5_000;
/** For who comes next: what is older is not shown. */
const FRESH_MS = 10_000;

/** JSON by topic; written once, for however many pages. */
export type TopicTexts = ReadonlyMap<string, string>;

export interface LivePollDependencies {
  readonly inspection: InspectionFace;
  readonly service: Pick<DispatcherService, 'state'>;
  readonly curtain: Curtain;
  readonly now: () => number;
  /** Between two looks. Default: 1,000. */
  readonly pauseMs?: number;
}

const NOTHING: Omit<Snapshot, 'at'> = { processes: [], queues: { queues: [], delayed: 0, undelivered: 0 }, running: [] };

/**
 * Looks at the system again and again while somebody has a page open, once for all of them, and not at all while nobody
 * does.
 */
export class LivePoll {
  private readonly listeners = new Set<(texts: TopicTexts) => void>();
  private readonly points = new LivePoints();
  private snapshot: Snapshot;
  private last: { readonly texts: TopicTexts; readonly at: number } | undefined;
  private stopped: AbortController | undefined;

  constructor(private readonly dependencies: LivePollDependencies) {
    this.snapshot = { ...NOTHING, at: 0 };
  }

  /** Told at once what is known, and from then on whatever is seen. Returns how to leave. */
  subscribe(listener: (texts: TopicTexts) => void): () => void {
    this.listeners.add(listener);
    if (this.last !== undefined && this.dependencies.now() - this.last.at < FRESH_MS) listener(this.last.texts);
    if (this.stopped === undefined) {
      this.stopped = new AbortController();
      void this.look(this.stopped.signal);
    }
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size > 0) return;
      this.stopped?.abort();
      this.stopped = undefined;
    };
  }

  private async look(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      const begun = clock.elapsed();
      const problem = await this.once();
      if (stopped.aborted) return;
      this.tell(problem);
      const pauseMs = this.dependencies.pauseMs ?? PAUSE_MS;
      // Who sees nothing costs nothing, and wants to know when there is something again.
      await pauseUntil(problem === undefined ? pauseAfter(clock.elapsed() - begun, pauseMs) : pauseMs, stopped);
    }
  }

  /** Why nothing was seen, if so. */
  private async once(): Promise<string | undefined> {
    const { inspection, now } = this.dependencies;
    const how = { timeoutMs: ANSWER_MS };
    try {
      const found = await within(LONGEST_LOOK_MS, Promise.all([inspection.processes(how), inspection.queues(how), inspection.running({ limit: MOST_RUNNING }, how)]));
      if (found === undefined) return `Nothing was heard within ${LONGEST_LOOK_MS / 1000} s.`;
      const [processes, queues, running] = found;
      this.snapshot = { at: now(), processes, queues, running };
      this.points.add(this.snapshot);
      return undefined;
    } catch (error) {
      return messageOf(error).slice(0, 1_000);
    }
  }

  private tell(problem: string | undefined): void {
    const { service, curtain, now } = this.dependencies;
    const topics = topicsOf(this.snapshot, service.state, this.points.list, problem, curtain);
    const texts = new Map(POLLED_TOPICS.map((topic) => [topic, JSON.stringify(topics[topic])]));
    this.last = { texts, at: now() };
    for (const listener of this.listeners) listener(texts);
  }
}

/** How long nobody is asked, in milliseconds, after a look that took so long: an open page takes a fifth of what there is at most. */
export function pauseAfter(tookMs: number, leastMs: number): number {
  return Math.max(leastMs, Math.min(LONGEST_PAUSE_MS, PAUSE_TIMES * tookMs));
}

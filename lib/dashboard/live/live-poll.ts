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
/** So many times as long as it took: processes of a busy machine are asked the more seldom. */
const PAUSE_TIMES = 9;
/** Each of many processes does something for each look, in a moment in which others of its machine do too. */
const PAUSE_OF_PROCESS_MS = 60;
const LONGEST_PAUSE_MS = 10_000;
/** Who takes longer to answer is shown as it was the last time. */
const ANSWER_MS = 700;
/** A look that takes longer has found a broker that is away. */
const LONGEST_LOOK_MS = 5_000;
/** For who comes next: what is older is not shown. */
const FRESH_MS = 10_000;

/** JSON by topic; written once, for however many pages. */
export type TopicTexts = ReadonlyMap<string, string>;

interface Listener {
  readonly tell: (texts: TopicTexts) => void;
  readonly seesRunning: boolean;
}

export interface LivePollDependencies {
  readonly inspection: InspectionFace;
  readonly service: Pick<DispatcherService, 'state'>;
  readonly curtain: Curtain;
  readonly now: () => number;
  /** Between two looks. Default: 1,000. */
  readonly pauseMs?: number;
}

const NOTHING: Omit<Snapshot, 'at'> = { processes: [], queues: { queues: [], delayed: 0, undelivered: 0 } };

/**
 * Looks at the system again and again while somebody has a page open, once for all of them, and not at all while nobody
 * does.
 */
export class LivePoll {
  private readonly listeners = new Set<Listener>();
  private readonly points = new LivePoints();
  private snapshot: Snapshot;
  private last: { readonly texts: TopicTexts; readonly at: number } | undefined;
  private stopped: AbortController | undefined;
  private pausing: AbortController | undefined;

  constructor(private readonly dependencies: LivePollDependencies) {
    this.snapshot = { ...NOTHING, at: 0 };
  }

  /**
   * Told at once what is known, and from then on whatever is seen. Returns how to leave.
   *
   * @param seesRunning what runs is told too, which costs more than all the rest
   */
  subscribe(tell: (texts: TopicTexts) => void, seesRunning: boolean): () => void {
    const listener = { tell, seesRunning };
    this.listeners.add(listener);
    if (this.last !== undefined && this.dependencies.now() - this.last.at < FRESH_MS) tell(this.last.texts);
    if (this.stopped === undefined) {
      this.stopped = new AbortController();
      void this.look(this.stopped.signal);
    } else if (seesRunning && this.last?.texts.has('running') !== true) {
      this.pausing?.abort();
    }
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size > 0) return;
      this.stopped?.abort();
      this.pausing?.abort();
      this.stopped = undefined;
    };
  }

  private async look(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      const begun = clock.elapsed();
      const problem = await this.once();
      if (stopped.aborted) return;
      this.tell(problem);
      if (problem === undefined && this.seesRunning && this.snapshot.running === undefined) continue;
      const pauseMs = this.dependencies.pauseMs ?? PAUSE_MS;
      this.pausing = new AbortController();
      // Who sees nothing costs nothing, and wants to know when there is something again.
      await pauseUntil(problem === undefined ? pauseAfter(clock.elapsed() - begun, this.snapshot.processes.length, pauseMs) : pauseMs, this.pausing.signal);
    }
  }

  private get seesRunning(): boolean { return [...this.listeners].some(({ seesRunning }) => seesRunning); }

  /** Why nothing was seen, if so. */
  private async once(): Promise<string | undefined> {
    const { inspection, now } = this.dependencies;
    try {
      const found = await within(LONGEST_LOOK_MS, inspection.overview({ timeoutMs: ANSWER_MS, ...(this.seesRunning ? { running: MOST_RUNNING } : {}) }));
      if (found === undefined) return `Nothing was heard within ${LONGEST_LOOK_MS / 1000} s.`;
      this.snapshot = { at: now(), ...found };
      this.points.add(this.snapshot);
      return undefined;
    } catch (error) {
      return messageOf(error).slice(0, 1_000);
    }
  }

  private tell(problem: string | undefined): void {
    const { service, curtain, now } = this.dependencies;
    const topics = topicsOf(this.snapshot, service.state, this.points.list, problem, curtain);
    const texts = new Map(POLLED_TOPICS.flatMap((topic) => (topics[topic] === undefined ? [] : [[topic, JSON.stringify(topics[topic])] as const])));
    this.last = { texts, at: now() };
    for (const { tell } of this.listeners) tell(texts);
  }
}

/** How long nobody is asked, in milliseconds, after a look at so many processes that took so long: an open page takes a tenth of what there is at most. */
export function pauseAfter(tookMs: number, processes: number, leastMs: number): number {
  return Math.max(leastMs, Math.min(LONGEST_PAUSE_MS, Math.max(PAUSE_TIMES * tookMs, PAUSE_OF_PROCESS_MS * processes)));
}

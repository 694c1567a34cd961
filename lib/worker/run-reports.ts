import type { OutcomeRecorder, Reported } from '../results/outcome-recorder.js';
import { withEntry, type TaskOutcome, type TimelineEntry } from '../results/task-result.js';
import { clock, type ClockTimer } from '../time/clock.js';
import { pauseUntil } from '../time/pause-until.js';

/** What happens on the way is told together, at most so often; a task that is over sooner is told in one. */
export const NOTES_EVERY_MS = 50;
/** While nobody listens, it is looked so often whether somebody does again. */
export const LOOK_EVERY_MS = 1_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/** What reports need of their worker. */
export interface ReportHost {
  readonly recorder: OutcomeRecorder;
  readonly stopped: AbortSignal;
  onProblem(message: string, error: unknown): void;
}

/**
 * What is told of one run. Notes on the way are not worth delaying the task for: they are gathered, sent now and
 * then, and one that cannot be sent goes along with the next. The end is told until it is recorded.
 */
export class RunReports {
  private waiting: TimelineEntry[] = [];
  private timer: ClockTimer | undefined;
  private sending: Promise<void> | undefined;
  private closed = false;

  constructor(private readonly reported: Reported, private readonly host: ReportHost) {}

  note(entry: TimelineEntry): void {
    if (this.closed) return;
    this.waiting = withEntry(this.waiting, entry);
    this.timer ??= clock.setTimeout(() => this.flush(), NOTES_EVERY_MS);
  }

  /** The last note of this run: the task goes on in another. */
  leave(entry: TimelineEntry): void {
    this.note(entry);
    this.closed = true;
    this.flush();
  }

  /** Nothing more is told. */
  abandon(): void {
    this.closed = true;
    clock.clear(this.timer);
  }

  /** True once it is recorded; false when the worker was stopped before that. */
  async end(entry: TimelineEntry, outcome?: TaskOutcome): Promise<boolean> {
    this.abandon();
    await this.sending;
    const entries = [...this.waiting, entry];
    const { recorder, stopped } = this.host;
    for (let pauseMs = FIRST_PAUSE_MS; !stopped.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        await recorder.record(this.reported, entries, outcome);
        return true;
      } catch (error) {
        this.host.onProblem(`The result of task ${this.reported.uuid} could not be kept; the task is not acknowledged, and this is tried again.`, error);
        await pauseUntil(pauseMs, stopped);
      }
    }
    return false;
  }

  private flush(): void {
    clock.clear(this.timer);
    this.timer = undefined;
    const pauseMs = this.closed ? undefined : this.keptBackFor();
    if (pauseMs !== undefined) {
      this.timer = clock.setTimeout(() => this.flush(), pauseMs);
      return;
    }
    const entries = this.waiting;
    this.waiting = [];
    const sending = this.send(entries, this.sending).finally(() => {
      if (this.sending === sending) this.sending = undefined;
    });
    this.sending = sending;
  }

  /** What is kept back stays small, because of progress only the latest is; what stands in line to be sent would not. */
  private keptBackFor(): number | undefined {
    if (this.sending !== undefined) return NOTES_EVERY_MS;
    return this.host.recorder.isListenedTo?.(this.reported) === false ? LOOK_EVERY_MS : undefined;
  }

  private async send(entries: TimelineEntry[], before: Promise<void> | undefined): Promise<void> {
    await before;
    try {
      await this.host.recorder.record(this.reported, entries);
    } catch (error) {
      this.waiting = this.waiting.reduce(withEntry, entries);
      this.host.onProblem(`That task ${this.reported.uuid} is "${entries.at(-1)?.state}" could not be recorded; the task goes on.`, error);
    }
  }
}

import type { EventSink } from '../events/dispatcher-event.js';
import { clock } from '../time/clock.js';
import { LoopWatch } from './loop-watch.js';
import type { RunningTask } from './running-task.js';

/** A handler that keeps the event loop for so long is named in the log. */
const BLOCKED_LOOP_MS = 1_000;
/** The loop's watch speaks right after the loop goes on; if the culprit was named just now, it is the same story. */
const SAME_STORY_MS = 500;

/** Names the tasks that keep the event loop busy. */
export class BlockedLoop {
  private readonly watch = new LoopWatch(BLOCKED_LOOP_MS, (ms) => this.nameAll(ms));
  private namedAt = -Infinity;

  constructor(private readonly running: Iterable<RunningTask>, private readonly emit: EventSink) {}

  /** It stands still, or did until a moment ago: what came in meanwhile has not been heard yet. */
  get isLate(): boolean { return this.watch.isLate; }

  start(): void {
    this.watch.start();
  }

  stop(): void {
    this.watch.stop();
  }

  /** Its handler, called at that time, has just let go of the loop for the first time. */
  letGo(run: RunningTask, calledAt: number): void {
    const milliseconds = clock.elapsed() - calledAt;
    if (milliseconds < BLOCKED_LOOP_MS) return;
    this.namedAt = clock.elapsed();
    this.name(run, milliseconds);
  }

  /** The event loop stood still while these were running: one of them is the likely cause. */
  private nameAll(milliseconds: number): void {
    if (clock.elapsed() - this.namedAt < SAME_STORY_MS) return;
    // Of those that one call works on, one stands for all.
    for (const run of this.running) if (run.seat === undefined || run.seat.isFirst) this.name(run, milliseconds);
  }

  private name(run: RunningTask, milliseconds: number): void {
    this.emit({ type: 'task.blocked-loop', task: run.identity(), seconds: Math.round(milliseconds / 100) / 10 });
  }
}

import type { EventSink } from '../../events/dispatcher-event.js';
import { clock, type ClockTimer } from '../../time/clock.js';
import type { RunningTask } from '../running-task.js';
import type { Settler } from '../settler.js';
import type { LeaseOptions } from './lease-gate.js';

/** How often it is looked what has become old, as a part of the time after which it has. */
const LOOKS = 4;

export interface LeaseHost {
  /** So many running tasks hold no delivery any more. */
  takenOver(count: number): void;
  /** What waits here for a slot for longer goes back. */
  refresh(maxAgeMs: number): void;
  onProblem(message: string, error: unknown): void;
  readonly emit: EventSink;
}

/**
 * Takes over what runs for long, before the broker takes the delivery away and gives it to another process: first it is
 * written in what is shared that it runs here, then a copy of it is published, out of sight for a time, and only then
 * is the delivery acknowledged. Whenever the copy comes due, whoever gets it sees whether this process lives.
 * What fails is tried again until the task ends. One timer, whatever runs.
 */
export class Leases {
  private timer: ClockTimer | undefined;
  private told = 0;
  private readonly reported = new Set<string>();

  constructor(
    private readonly options: LeaseOptions, private readonly settler: Settler, private readonly runs: Iterable<RunningTask>,
    private readonly host: LeaseHost,
  ) {}

  start(): void {
    this.timer ??= clock.setInterval(() => this.look(), this.options.afterMs / LOOKS).unref();
  }

  stop(): void {
    clock.clear(this.timer);
    this.timer = undefined;
  }

  /** To be called when a run has ended that was taken over. */
  count(): void {
    let count = 0;
    for (const run of this.runs) if (run.takenOver) count++;
    if (count === this.told) return;
    this.told = count;
    this.host.takenOver(count);
  }

  private look(): void {
    const { afterMs } = this.options;
    const now = clock.elapsed();
    for (const run of this.runs) {
      const age = now - run.startedAt;
      if (age < afterMs || !run.startTaking()) continue;
      // Time enough has passed for it to be looked at and tried more than once.
      if (age > 1.75 * afterMs) this.problem(run, 'it has not happened yet: the event loop stood still, or it was tried in vain.');
      run.taking = this.take(run, age);
    }
    this.host.refresh(afterMs / 2);
  }

  /** Never rejects. */
  private async take(run: RunningTask, age: number): Promise<void> {
    const { gate } = this.options;
    try {
      const headers = await gate.lease(run);
      await this.settler.copy(run.delivery, headers, gate.times.leasedLookMs);
      run.endTaking(headers);
    } catch (error) {
      run.endTaking(undefined);
      this.problem(run, error);
    }
    if (!run.takenOver) return;
    this.count();
    this.host.emit({ type: 'task.taken-over', task: run.identity(), afterSeconds: Math.round(age / 1000) });
  }

  /** Once for each name: a state that is away concerns every task. */
  private problem({ name, uuid }: RunningTask, error: unknown): void {
    if (this.reported.has(name)) return;
    this.reported.add(name);
    this.host.onProblem(`Task "${name}" (${uuid}) runs for long and could not be taken over; this is tried again until it ends. `
      + 'When it runs for longer than RabbitMQ allows (consumer_timeout; consumerTimeoutSeconds), it is given to another process, and runs twice.', error);
  }
}

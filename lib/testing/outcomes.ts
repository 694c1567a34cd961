import type { StampedEvent } from '../events/event-stamp.js';
import type { TaskIdentity } from '../events/dispatcher-event.js';
import { clock } from '../time/clock.js';

/** How one attempt of a task ended in a test. @publicApi */
export interface TaskOutcome {
  readonly uuid: string;
  readonly name: string;
  /** From 1. */
  readonly attempt: number;
  readonly queue: string;
  /**
   * `succeeded`; `retrying`: it failed and comes again; `failed`: for good, it is a dead letter; `cancelled`; `expired`;
   * `dropped`: one delivery too many; `returned`: put off, by a pause, a limit or `RetryLater`;
   * `suspended`: it waits between two of its steps.
   */
  readonly state: 'succeeded' | 'retrying' | 'failed' | 'cancelled' | 'expired' | 'dropped' | 'returned' | 'suspended';
  /** What the handler returned, where it succeeded. As it is, before it travels. */
  readonly value?: unknown;
  /** What it threw, or why it never ran. */
  readonly error?: unknown;
  /** Of `retrying`, `returned` and `suspended`: when it comes again, at the latest. */
  readonly delaySeconds?: number;
  /** Why, of `failed`, `cancelled`, `dropped` and `returned`, where that is known. */
  readonly reason?: string;
}

/** For how many tasks it is kept what their handlers returned while nobody has heard of their end. */
const MOST_VALUES = 10_000;

/** What became of each attempt, in the order in which they ended, and who waits for one. */
export class Outcomes {
  /** How many there were: where it stays the same, nothing has ended. */
  count = 0;
  private readonly all: TaskOutcome[] = [];
  private readonly waiting = new Map<string, Set<(outcome: TaskOutcome) => void>>();
  private readonly values = new Map<string, unknown>();

  get list(): readonly TaskOutcome[] {
    return this.all;
  }

  clear(): void {
    this.all.length = 0;
  }

  /** Its handler has returned; whether it has succeeded is not said with that. */
  returned(uuid: string, value: unknown): void {
    this.values.set(uuid, value);
    if (this.values.size > MOST_VALUES) this.values.delete(this.values.keys().next().value as string);
  }

  /** Calls back at the next end of an attempt of this task. */
  next(uuid: string, told: (outcome: TaskOutcome) => void): () => void {
    const those = this.waiting.get(uuid) ?? new Set();
    this.waiting.set(uuid, those.add(told));
    return () => those.delete(told);
  }

  hear(event: StampedEvent): void {
    const outcome = outcomeOf(event, this.values);
    if (outcome === undefined) return;
    this.count++;
    this.all.push(outcome);
    const those = this.waiting.get(outcome.uuid);
    this.waiting.delete(outcome.uuid);
    for (const told of those ?? []) told(outcome);
  }
}

function outcomeOf(event: StampedEvent, values: Map<string, unknown>): TaskOutcome | undefined {
  switch (event.type) {
    case 'task.succeeded': {
      const value = values.get(event.task.uuid);
      values.delete(event.task.uuid);
      return { ...of(event.task), state: 'succeeded', ...(value === undefined ? {} : { value }) };
    }
    case 'task.retrying': return { ...of(event.task), state: 'retrying', error: event.error, delaySeconds: event.delayMs / 1_000 };
    case 'task.dead-lettered': return { ...of(event.task), state: 'failed', error: event.error, reason: event.reason };
    case 'task.cancelled': return { ...of(event.task), state: 'cancelled', reason: event.reason };
    case 'task.expired': return { ...of(event.task), state: 'expired' };
    case 'task.dropped': return { ...of(event.task), state: 'dropped', reason: event.reason };
    case 'task.returned': return { ...of(event.task), state: 'returned', delaySeconds: event.pauseMs / 1_000, ...(event.reason === undefined ? {} : { reason: event.reason }) };
    case 'task.suspended': return { ...of(event.task), state: 'suspended', delaySeconds: Math.max(0, event.until - clock.now()) / 1_000, reason: event.signals.length === 0 ? 'It sleeps.' : `It waits for ${event.signals.join(', ')}.` };
    default: return undefined;
  }
}

function of({ uuid, name, attempt, queue }: TaskIdentity): Pick<TaskOutcome, 'uuid' | 'name' | 'attempt' | 'queue'> {
  return { uuid, name, attempt, queue };
}

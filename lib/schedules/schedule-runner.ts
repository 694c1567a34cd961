import type { EventSink } from '../events/dispatcher-event.js';
import { errorText } from '../task/error-text.js';
import { clock } from '../time/clock.js';
import { pauseUntil } from '../time/pause-until.js';
import { type StoredCursor, type Told, withFiring } from './cursor.js';
import { dueTicks, type MissedRange } from './due-ticks.js';
import type { Schedule } from './schedule.js';
import type { ScheduleStore } from './schedule-store.js';
import { cannotBeSent, type TickSender } from './tick-sender.js';
import { makeStopper } from '../time/stopper.js';

/** Who did not fire the last tick lets the one who did go first; so most processes only look. */
const FOLLOWER_MS = 200;
const FOLLOWER_SPREAD_MS = 600;
/** Whoever has claimed a tick and not published it within this is taken for dead. */
export const TAKEOVER_MS = 2_000;
const TAKEOVER_SPREAD_MS = 1_000;
/** Long waits in parts: the clock may be set, or the machine may sleep. */
const LONGEST_WAIT_MS = 15_000;
const AWAY_MS = 1_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A cursor ahead of the clock by more than clocks differ. */
const AHEAD_MS = 300_000;

export interface RunnerDependencies {
  readonly store: Pick<ScheduleStore, 'readCursor' | 'createCursor' | 'replaceCursor'>;
  readonly sender: TickSender;
  /** Whether the broker takes tasks now. */
  readonly canPublish: () => boolean;
  readonly emit: EventSink;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds that only go forward. */
  readonly elapsed: () => number;
  readonly random: () => number;
  readonly newOwner: () => string;
  /** For people: which process this is. */
  readonly by: string;
  /** Lets a bounded number of schedules fire at a time. */
  inTurn(work: () => Promise<void>): Promise<void>;
}

/**
 * Fires one schedule, beside others that do the same in other processes. Each tick is claimed in the cursor that they
 * share, published, and marked as done; a claim whose owner has died is taken over. The task's uuid is the tick's, so
 * that a tick that was published twice is started once.
 */
export class ScheduleRunner {
  readonly ended: Promise<void>;
  private readonly stopping = makeStopper();
  private readonly owner: string;
  private readonly takeoverMs: number;
  /** Ticks up to here are dealt with, as far as this process knows. */
  private position: number | undefined;
  /** The cursor as this process left it: whoever fired last is the first to try. */
  private held: StoredCursor | undefined;
  /** A claim of another, and since when it was seen. */
  private suspect: { readonly bytes: Buffer; readonly since: number } | undefined;

  /** @param from no tick up to here is this schedule's; `undefined`: since it was first seen by any process */
  constructor(readonly schedule: Schedule, readonly from: number | undefined, private readonly dependencies: RunnerDependencies) {
    this.owner = dependencies.newOwner();
    this.takeoverMs = TAKEOVER_MS + dependencies.random() * TAKEOVER_SPREAD_MS;
    this.ended = this.run();
  }

  /** What is under way ends; nothing new begins. */
  stop(): void {
    this.stopping.abort();
  }

  private get isStopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async run(): Promise<void> {
    let failures = 0;
    while (!this.isStopped) {
      try {
        await this.turn();
        failures = 0;
      } catch (error) {
        if (this.isStopped) return;
        this.held = undefined;
        if (failures++ === 0) this.problem('It cannot fire for now; its ticks wait, and it is tried again', error);
        await this.wait(Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures, 10), LONGEST_PAUSE_MS));
      }
    }
  }

  /** To the next tick, and over it, whoever fires it. */
  private async turn(): Promise<void> {
    this.position ??= await this.begin();
    await this.untilInstant(this.schedule.recurrence.next(this.position) ?? Infinity);
    if (this.held === undefined) await this.wait(FOLLOWER_MS + this.dependencies.random() * FOLLOWER_SPREAD_MS);
    if (this.isStopped) return;
    if (!this.dependencies.canPublish()) return this.wait(AWAY_MS);
    await this.dependencies.inTurn(() => this.round());
  }

  /** Where the ticks of this process begin: where those of others have ended. */
  private async begin(): Promise<number> {
    const { store, now } = this.dependencies;
    const { name, recurrence } = this.schedule;
    const stored = await store.readCursor(name)
      ?? (this.from === undefined ? await store.createCursor(name, { tick: now(), state: 'done', owner: this.owner, text: recurrence.text }) : undefined);
    // Whoever was the first to see the schedule need not let another go first.
    if (stored?.cursor.owner === this.owner) this.held = stored;
    const position = Math.max(dealtWith(stored) ?? -Infinity, this.from ?? -Infinity);
    // The text was changed: ticks that the new one would have had in the past were nobody's.
    if (stored !== undefined && stored.cursor.text !== recurrence.text) return Math.max(position, now());
    if (position > now() + AHEAD_MS) {
      this.problem(`Its ticks are counted up to ${new Date(position).toISOString()} already, ahead of the clock of this machine: some clock was or is wrong. `
        + 'Nothing fires before that time; when the clocks are right, pause and resume it to begin anew');
    }
    return position;
  }

  private async round(): Promise<void> {
    if (this.isStopped) return;
    const { now, store } = this.dependencies;
    const { name, recurrence, missed: policy } = this.schedule;
    const stored = this.held ?? await store.readCursor(name);
    this.held = undefined;
    if (stored?.cursor.state === 'claimed') {
      if (stored.cursor.owner === this.owner || this.isAbandoned(stored)) await this.fire(stored, [stored.cursor.tick]);
      return;
    }
    this.position = Math.max(this.position ?? -Infinity, stored?.cursor.tick ?? -Infinity);
    const { fire, missed } = dueTicks(recurrence, this.position, now(), policy);
    if (fire.length > 0) await this.fire(stored, fire, missed);
    else if (missed !== undefined) await this.pass(stored, missed);
  }

  /** The owner of this claim has had its time. */
  private isAbandoned({ bytes }: StoredCursor): boolean {
    const { elapsed } = this.dependencies;
    if (this.suspect?.bytes.equals(bytes) !== true) this.suspect = { bytes, since: elapsed() };
    return elapsed() - this.suspect.since >= this.takeoverMs;
  }

  /** Tick after tick, each claimed before it is published; ends where another was quicker. */
  private async fire(before: StoredCursor | undefined, ticks: readonly number[], missed?: MissedRange): Promise<void> {
    const { elapsed, sender } = this.dependencies;
    let current = before;
    let told: Told = before?.cursor ?? {};
    for (const [index, tick] of ticks.entries()) {
      const since = elapsed();
      current = await this.write(current, tick, 'claimed', told);
      // Where the answer took so long others may have taken the claim over: the next turn looks.
      if (current === undefined || elapsed() - since > TAKEOVER_MS / 2) return;
      if (index === 0 && missed !== undefined) this.reportMissed(missed);
      const error = await this.publish(tick, sender);
      told = withFiring(told, { tick, by: this.dependencies.by, ...(error === undefined ? {} : { error }) });
      this.position = tick;
      if (this.isStopped) break;
    }
    if (current !== undefined) this.held = await this.write(current, current.cursor.tick, 'done', told);
  }

  private async pass(stored: StoredCursor | undefined, missed: MissedRange): Promise<void> {
    this.held = await this.write(stored, missed.last, 'done', stored?.cursor ?? {});
    if (this.held === undefined) return;
    this.position = missed.last;
    this.reportMissed(missed);
  }

  private write(before: StoredCursor | undefined, tick: number, state: 'claimed' | 'done', { fired, recent }: Told): Promise<StoredCursor | undefined> {
    const { store } = this.dependencies;
    return store.replaceCursor(this.schedule.name, before, { tick, state, owner: this.owner, text: this.schedule.recurrence.text, fired, recent });
  }

  /** Why it cannot be published, now or later. @throws when it can later */
  private async publish(tick: number, sender: TickSender): Promise<string | undefined> {
    const { name, task } = this.schedule;
    try {
      const uuid = await sender.sendTick(this.schedule, tick);
      this.dependencies.emit({ type: 'schedule.fired', schedule: name, taskName: task.name, uuid, tick, lateMs: Math.max(0, this.dependencies.now() - tick) });
      return undefined;
    } catch (error) {
      if (!cannotBeSent(error)) throw error;
      this.dependencies.emit({ type: 'schedule.failed', schedule: name, taskName: task.name, tick, error });
      return errorText(error);
    }
  }

  private reportMissed({ count, first, last }: MissedRange): void {
    this.dependencies.emit({ type: 'schedule.missed', schedule: this.schedule.name, count, first, last });
  }

  private problem(message: string, error?: unknown): void {
    this.dependencies.emit({ type: 'schedule.problem', schedule: this.schedule.name, message, error });
  }

  private async untilInstant(instant: number): Promise<void> {
    for (;;) {
      const left = instant - this.dependencies.now();
      if (left <= 0 || this.isStopped) return;
      await this.wait(clock.inParts(left, LONGEST_WAIT_MS));
    }
  }

  private wait(milliseconds: number): Promise<void> {
    return pauseUntil(milliseconds, this.stopping.signal);
  }
}

function dealtWith(stored: StoredCursor | undefined): number | undefined {
  if (stored === undefined) return undefined;
  return stored.cursor.state === 'claimed' ? stored.cursor.tick - 1 : stored.cursor.tick;
}

import type { SendOptions, TaskArgument } from '../task/task.js';
import type { MissedTicks } from './due-ticks.js';
import type { Recurrence } from './recurrence.js';

/** How the task of a schedule is sent: as in `publish`, without what each tick has of its own. @publicApi */
export type ScheduledTaskOptions = Omit<SendOptions, 'eta' | 'unique' | 'debounce' | 'throttle' | 'order'>;

/** The task that each tick publishes. @publicApi */
export interface ScheduledTask extends ScheduledTaskOptions {
  /** The name of the handler that runs it. */
  name: string;
  /** Default: none. */
  args?: TaskArgument[];
}

/** When a schedule fires. @publicApi */
export interface ScheduleTiming {
  /**
   * Five fields (minute hour day month weekday), six with seconds in front, `@hourly` and its kin, or `@every 1h30m`,
   * which counts from 1970.
   */
  cron: string;
  /** An IANA name such as `Europe/Berlin`. Default: UTC, whatever the machine says. */
  timeZone?: string;
  /** What becomes of ticks that came while nobody could fire them. Default: `skip`. */
  missed?: MissedTicks;
}

/** A schedule to be added at run time. @publicApi */
export interface ScheduleInput extends ScheduleTiming {
  /** Its identity on the exchange, for ever: ticks are counted by it. At most 200 characters. */
  name: string;
  /** What each tick publishes; a text is a name without arguments. */
  task: string | ScheduledTask;
}

/** The schedule of a `@Task`. @publicApi */
export interface TaskSchedule extends ScheduleTiming, Omit<ScheduledTaskOptions, 'version'> {
  /** The handler's arguments; their types are inferred. Default: none. */
  args?: unknown[];
}

/** Where a schedule comes from: code, as long as it says so, or {@link ScheduleInput}, until it is removed. @publicApi */
export type ScheduleSource = 'decorator' | 'runtime';

/** A schedule, checked. */
export interface Schedule {
  readonly name: string;
  readonly source: ScheduleSource;
  readonly recurrence: Recurrence;
  readonly cron: string;
  readonly timeZone?: string;
  readonly missed: MissedTicks;
  readonly task: ScheduledTask;
}

/** Who paused a schedule, and why. @publicApi */
export interface SchedulePause {
  readonly by: string;
  readonly reason: string;
  readonly since: Date;
}

/** One tick that was fired. @publicApi */
export interface ScheduleFiring {
  readonly tick: Date;
  /** The process (host and process id) that fired it. */
  readonly by: string;
  /** Of the task that was published; absent where it could not be. */
  readonly uuid?: string;
  /** Why it could not be published, now or later. */
  readonly error?: string;
  /** How its task ended last, or that it runs, where a living process remembers it. Told by `inspect.schedules()` alone. */
  readonly outcome?: FiringOutcome;
}

/** @publicApi */
export interface FiringOutcome {
  readonly state: 'running' | 'succeeded' | 'failed' | 'retrying' | 'cancelled' | 'expired';
  /** When it ended, or began to run. */
  readonly at: Date;
  /** From 1. */
  readonly attempt: number;
  /** In one line. */
  readonly error?: string;
}

/** A schedule as {@link Schedules.list} shows it. @publicApi */
export interface ScheduleInfo {
  readonly name: string;
  readonly source: ScheduleSource;
  readonly cron: string;
  readonly timeZone?: string;
  readonly missed: MissedTicks;
  /** The name of its task. */
  readonly task: string;
  /** Absent while it is paused. */
  readonly nextTick?: Date;
  /** The next five ticks; none while it is paused. */
  readonly nextTicks: readonly Date[];
  /** The last ten that were fired, the latest first. Since it was resumed last. */
  readonly firings: readonly ScheduleFiring[];
  /** The last tick that was published. */
  readonly lastTick?: Date;
  /** The process (host and process id) that published it. */
  readonly lastTickBy?: string;
  readonly paused?: SchedulePause;
}

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Broker } from '../brokers/broker.js';
import { type Audited, unaudited } from '../events/audited.js';
import type { EventSink } from '../events/dispatcher-event.js';
import { gofortFormat } from '../formats/gofort.js';
import type { StateBackend } from '../state/state-backend.js';
import type { Schedule } from '../schedules/schedule.js';
import { ScheduleStore } from '../schedules/schedule-store.js';
import { Scheduler } from '../schedules/scheduler.js';
import { Schedules } from '../schedules/schedules.js';
import { TickSender } from '../schedules/tick-sender.js';
import { Turnstile } from '../schedules/turnstile.js';
import type { TaskInput } from '../task/task.js';
import { clock } from '../time/clock.js';
import type { PublishedTask } from './publishing/published-task.js';
import type { TaskPublisher } from './publishing/task-publisher.js';

/** How many schedules of one process fire at the same time: many have their tick at the full minute. */
const AT_A_TIME = 32;

export interface SchedulingDependencies {
  readonly broker: Broker;
  readonly exchange: string;
  readonly backend: () => Promise<StateBackend>;
  readonly publisher: { publish(task: TaskInput, values: readonly unknown[]): Promise<PublishedTask> } & Pick<TaskPublisher, 'publishWithHeaders'>;
  /** The newest version of a task that is known here. Default: the first. */
  readonly versionOf?: (task: string) => number;
  readonly ready: () => Promise<void>;
  readonly emit: EventSink;
  readonly audited: Audited;
}

/** The schedules of one dispatcher. */
export class Scheduling {
  readonly schedules: Schedules<PublishedTask>;
  /** The same, for steps of something that is told as a whole. */
  readonly untold: Schedules<PublishedTask>;
  private readonly scheduler: Scheduler;

  constructor({ broker, exchange, backend, publisher, ready, emit, audited, versionOf = () => 1 }: SchedulingDependencies) {
    const store = new ScheduleStore(backend, exchange);
    const sender = new TickSender<PublishedTask>(exchange, {
      publish: (task) => publisher.publish(task, []), publishTick: (task, ours) => publisher.publishWithHeaders(task, ours),
    });
    const turnstile = new Turnstile(AT_A_TIME);
    // A queue that is never used: that it is there says that somebody has used schedules of run time.
    const marker = `${exchange}.control.v1.schedules`;
    this.scheduler = new Scheduler({
      store, format: gofortFormat, emit, anyStored: async () => (await broker.depth(marker)) !== undefined,
      runner: {
        store, sender, emit, canPublish: () => broker.state.status === 'ready', now: clock.now, elapsed: clock.elapsed, random: clock.random,
        newOwner: randomUUID, by: `${hostname()}:${process.pid}`, inTurn: (work) => turnstile.run(work),
      },
    });
    const dependencies = {
      store, sender, ready, format: gofortFormat, scheduler: this.scheduler, now: clock.now, versionOf,
      markStored: () => broker.declare({ queues: [{ name: marker, purpose: 'dead-letters' }] }), tell: () => broker.signal(),
    };
    this.schedules = new Schedules({ ...dependencies, audited });
    this.untold = new Schedules({ ...dependencies, audited: unaudited });
  }

  declare(schedule: Schedule): void {
    this.scheduler.declare(schedule);
  }

  start(): void {
    this.scheduler.start();
  }

  look(): void {
    this.scheduler.look();
  }

  stop(limitMs: number): Promise<void> {
    return this.scheduler.stop(limitMs);
  }
}

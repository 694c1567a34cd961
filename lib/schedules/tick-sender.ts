import { BrokerError, DispatcherError } from '../errors.js';
import { Header } from '../task/headers.js';
import { onceHeaders } from '../task/once.js';
import type { TaskHeaders, TaskInput } from '../task/task.js';
import type { Schedule } from './schedule.js';
import { tickUuid } from './tick-uuid.js';

/** Resolves when the broker has the task. */
export interface ScheduleSender<Published extends { readonly uuid: string }> {
  publish(task: TaskInput): Promise<Published>;
  /** With headers of ours; nobody here awaits its result. */
  publishTick(task: TaskInput, ours: TaskHeaders): Promise<unknown>;
}

/** Publishes the tasks of schedules. */
export class TickSender<Published extends { readonly uuid: string } = { readonly uuid: string }> {
  constructor(private readonly exchange: string, private readonly sender: ScheduleSender<Published>) {}

  uuidOf(schedule: string, tick: number): string {
    return tickUuid(this.exchange, schedule, tick);
  }

  /** A schedule that says no version is of the first one, whatever this process knows. May be repeated: the task has the tick's uuid, and is started once. @throws what `publish` throws */
  async sendTick({ name, task }: Schedule, tick: number): Promise<string> {
    const uuid = this.uuidOf(name, tick);
    await this.sender.publishTick({ version: 1, ...task, uuid }, { [Header.schedule]: name, [Header.tick]: tick, ...onceHeaders() });
    return uuid;
  }

  /** Now, and beside its ticks. @throws what `publish` throws */
  sendNow({ task }: Schedule): Promise<Published> {
    return this.sender.publish({ version: 1, ...task });
  }
}

/** The task itself is at fault, or the way to its queue, or a middleware kept it back: trying again changes nothing. */
export function cannotBeSent(error: unknown): boolean {
  if (!(error instanceof DispatcherError)) return true;
  return !error.retryable && (!(error instanceof BrokerError) || error.code === 'ERR_DISPATCHER_UNROUTABLE');
}
